"""``read``: a located controller, read off a video frame by frame.

Its position, its neutral and its pressed looks are known, so this is a measurement: what each state
would look like is drawn, and the one that explains the picture best is taken.  Nothing is learned,
but for how strong the background and the noise of this video are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.drawing.planes import Planes
from nitropilot.dataset.pad import BUTTONS, NEUTRAL, PULLED, SIDES, PadStates
from nitropilot.dataset.reading.background import Surroundings
from nitropilot.dataset.reading.decoding import posterior
from nitropilot.dataset.reading.eyes import Backgrounds, Crops, Eye, Noise, Shower
from nitropilot.dataset.reading.parts import Part, Way, parts_of, stick_grid, stick_moment
from nitropilot.dataset.reading.reading import Reading
from nitropilot.dataset.reading.sight import Sight, areas, changing
from nitropilot.dataset.reading.sticks import StickEye
from nitropilot.dataset.video.sampling import sample
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.video.frames import Frame, Video

    Floats = NDArray[np.float32]

BATCH = 256
"""Frames that are read at once."""
WHOLE = 24
"""Whole pictures from which it is learned what shows through."""
FIRST_LOOK = 192
"""Frames on which the noise is measured."""
NOISE_LIMITS = (3.5, 16.0)
"""Levels: between these lies what a codec does to flat areas."""


@dataclass(eq=False)
class Told:
    """What the eyes said of the frames so far."""

    numbers: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    buttons: list[list[Floats]] = field(default_factory=list)
    sticks: list[list[tuple[Floats, Floats, Floats]]] = field(default_factory=list)
    shown: list[Floats] = field(default_factory=list)


@dataclass(eq=False)
class Reader:
    """Reads one controller where it is in one video.

    Attributes:
        sight: How the template looks there.
        surroundings: What the rest of the video looks like.
        noise: How far what is seen lies from what is drawn.
    """

    sight: Sight
    surroundings: Surroundings
    noise: Noise = field(default_factory=Noise)

    def __post_init__(self) -> None:
        parts = parts_of(self.sight.template)
        boxes = [self.sight.where(part) for part in parts]
        layers = [
            [self.sight.layer(moment, box) for moment in _all_states(part)]
            for part, box in zip(parts, boxes, strict=True)
        ]
        changes = [changing(each, self.sight.opacity) for each in layers]
        found = areas(boxes, changes, self.sight.box)
        visible = [i for i, (light, _) in enumerate(changes) if light.any()]
        self.parts = [parts[i] for i in visible]
        self.areas = [found[i] for i in visible]
        self.showers = [
            Shower(self.sight, area, Backgrounds(self.surroundings, area)) for area in self.areas
        ]
        self._body = Body(self.sight, boxes, changes)
        self._open()

    def _open(self) -> None:
        self.eyes: list[tuple[Part, Eye]] = []
        self.sticks: list[tuple[Part, StickEye]] = []
        for part, shower in zip(self.parts, self.showers, strict=True):
            if part.way is Way.STICK:
                self.sticks.append((part, StickEye(part, shower, self.noise)))
            else:
                self.eyes.append((part, shower.eye(part.states, self.noise, stale=True)))

    @property
    def outputs(self) -> frozenset[str]:
        """What can be read."""
        found = frozenset[str]().union(*(part.buttons for part in self.parts))
        found |= {f"{p.side}_trigger" for p in self.parts if p.way is Way.TRIGGER}
        return found | {f"j_{p.side}" for p in self.parts if p.way is Way.STICK}

    def measure_noise(self, crops: Crops) -> None:
        """Take the noise from what is left once most states are known."""
        left, colours = [], []
        for _, each in self.eyes:
            states = each.look(crops).argmax(axis=1)
            light, chroma = each.residual(crops, states)
            left.append(np.median(np.abs(light), axis=0))
            colours.append(np.median(np.abs(chroma), axis=0))
        if left:
            self.noise = Noise(
                _deviation(np.concatenate(left), self.noise.light),
                _deviation(np.concatenate(colours), self.noise.chroma),
                self.noise.wobble,
            )
            self._open()

    def look(self, crops: Crops, told: Told) -> None:
        """Look at frames that follow on those before."""
        told.buttons.append([each.look(crops) for _, each in self.eyes])
        told.sticks.append([stick.look(crops) for _, stick in self.sticks])
        told.shown.append(self._body.shown(crops))

    def decide(self, told: Told, rate: float) -> Reading:
        """What was pressed, seen all frames."""
        whole = [np.concatenate(parts) for parts in zip(*told.buttons, strict=True)]
        found = [
            tuple(np.concatenate(each) for each in zip(*parts, strict=True))
            for parts in zip(*told.sticks, strict=True)
        ]
        likely = posterior([*whole, *(thumb for _, _, thumb in found)], rate)
        count = len(told.numbers)
        sure = {name: np.zeros(count, np.float32) for name in PUBLISHED_BUTTONS}
        sticks, triggers = np.zeros((count, 4), np.float32), np.zeros((count, 2), np.float32)
        stick_sure = np.ones((count, 2), np.float32)
        for (part, _), each in zip([*self.eyes, *self.sticks], likely, strict=True):
            if part.way is Way.TRIGGER:
                side = SIDES.index(part.side)
                triggers[:, side], sure[f"{part.side}_trigger"] = _pull(part, each)
            for name in part.buttons:
                down = [number for number, s in enumerate(part.states) if name in s.buttons]
                sure[name] = each[:, down].sum(axis=1)
        for (part, _), (at, right, _) in zip(self.sticks, found, strict=True):
            side = SIDES.index(part.side)
            sticks[:, 2 * side : 2 * side + 2] = np.clip(at, -1, 1)
            stick_sure[:, side] = right
        pressed = np.stack([sure[name] > 0.5 for name in BUTTONS], axis=1)
        all_sure = np.stack([sure[name] for name in PUBLISHED_BUTTONS], axis=1)
        return Reading(
            np.array(told.numbers, np.int64), np.array(told.times),
            PadStates(pressed, sticks, triggers), np.maximum(all_sure, 1 - all_sure), stick_sure,
            np.concatenate(told.shown), self.sight.opacity, self.sight.pose, self.outputs,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Body:
    """What of a controller looks the same in all states: whether it is there at all."""

    sight: Sight
    boxes: list[object]
    changes: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]

    def __post_init__(self) -> None:
        whole = self.sight.box
        layer = self.sight.layer(NEUTRAL, whole)
        fixed = layer.alpha * self.sight.opacity > 0.25
        for box, (light, _) in zip(self.boxes, self.changes, strict=True):
            top, left = box.top - whole.top, box.left - whole.left  # type: ignore[attr-defined]
            height, width = light.shape
            fixed[top : top + height, left : left + width] &= ~light
        drawn = layer.colour.y[fixed] / np.maximum(layer.alpha[fixed], 0.1)
        object.__setattr__(self, "_fixed", fixed)
        object.__setattr__(self, "_drawn", drawn - drawn.mean() if len(drawn) else drawn)

    def shown(self, crops: Crops) -> Floats:
        """``T``: how well its brightness goes up and down with what is drawn, 0 to 1."""
        fixed, drawn = self.__dict__["_fixed"], self.__dict__["_drawn"]
        if len(drawn) < 32 or not np.ptp(drawn):
            return np.ones(len(crops.y), np.float32)
        seen = crops.y.reshape(len(crops.y), -1)[:, fixed.ravel()].astype(np.float32)
        seen -= seen.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(seen, axis=1) * np.linalg.norm(drawn)
        return np.asarray(np.clip(seen @ drawn / np.maximum(norms, 1e-6), 0, 1), np.float32)


def reader_of(video: Video, sight: Sight, first: int, last: int) -> Reader:
    """Get ready to read frames ``first`` to before ``last`` of a video."""
    pictures = sample(video, WHOLE, first, last)
    same = [f for f in pictures if (f.width, f.height) == sight.size]
    planes = tuple(np.stack([frame[index] for frame in same]) for index in (2, 3, 4))
    reader = Reader(sight, Surroundings(planes, sight.box))  # type: ignore[arg-type]
    few = sample(video, FIRST_LOOK, first, min(last, first + 4 * FIRST_LOOK), sight.box)
    reader.measure_noise(crops_of(few, sight))
    return reader


def read(video: Video, sight: Sight, first: int, last: int) -> Reading:
    """Read frames ``first`` to before ``last``, as far as they can be decoded.

    Args:
        video: Which.
        sight: How the template looks in it.
        first: Number of the first frame.
        last: Number of the first one after them.
    """
    reader, told = reader_of(video, sight, first, last), Told()
    for frames in _batches(_until(video.frames(sight.box, first), last)):
        told.numbers += [frame.number for frame in frames]
        told.times += [frame.time for frame in frames]
        reader.look(crops_of(frames, sight), told)
    return reader.decide(told, video.rate)


def crops_of(frames: list[Frame], sight: Sight) -> Crops:
    """Frames that are already cut, as arrays."""
    y, u, v = (np.stack([frame[index] for frame in frames]) for index in (2, 3, 4))
    return Crops(y, u, v, sight.box)


def median(frames: list[Frame]) -> Planes:
    """What is the same in most frames."""
    y, u, v = (
        np.median(np.stack([frame[index] for frame in frames]), axis=0).astype(np.float32)
        for index in (2, 3, 4)
    )
    return Planes(y, u, v)


def _all_states(part: Part) -> list[object]:
    if part.way is not Way.STICK:
        return list(part.states)
    ring = [p for p in stick_grid() if max(map(abs, p)) in (0, 4, 8)]
    return [
        stick_moment(part.side, x / 7, y / 7, state.buttons)
        for state in part.states
        for x, y in [(0, 0), *ring]
    ]


def _pull(part: Part, likely: Floats) -> tuple[Floats, Floats]:
    """How far a trigger is pulled, and how probable it is that it counts as pressed."""
    pulls = np.array([max(state.triggers) for state in part.states], np.float32)
    over = pulls > PULLED
    pressed = likely[:, over].sum(axis=1)
    chosen = np.where((pressed > 0.5)[:, None], likely * over, likely * ~over)
    mean = (chosen * pulls).sum(axis=1) / chosen.sum(axis=1)
    return np.asarray(mean, np.float32), np.asarray(pressed, np.float32)


def _deviation(median_errors: Floats, otherwise: float) -> float:
    if not len(median_errors):
        return otherwise
    low, high = NOISE_LIMITS
    typical = float(np.sqrt(np.mean(np.square(median_errors / 0.6745))))
    return float(np.clip(typical, low, high))


def _until(frames: Iterable[Frame], last: int) -> Iterator[Frame]:
    for frame in frames:
        if frame.number >= last:
            return
        yield frame


def _batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
