"""``Reader``: everything that is read off one controller, frame by frame, and then decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.pad import BUTTONS, PULLED, SIDES, PadStates
from nitropilot.dataset.reading.background import Backgrounds
from nitropilot.dataset.reading.decoding import bridged, posterior, there
from nitropilot.dataset.reading.eyes import Crops, Eye, Noise
from nitropilot.dataset.reading.parts import (
    Part,
    Way,
    parts_of,
    places_of,
)
from nitropilot.dataset.reading.reading import Reading
from nitropilot.dataset.reading.shower import Shower, through
from nitropilot.dataset.reading.sight import areas, changing
from nitropilot.dataset.reading.standing import learn_standing
from nitropilot.dataset.reading.sticks import StickEye
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.reading.background import Surroundings
    from nitropilot.dataset.reading.presence import Presence
    from nitropilot.dataset.reading.sight import Sight
    from nitropilot.dataset.video.frames import Frame

    Floats = NDArray[np.float32]

NOISE_LIMITS = (3.5, 16.0)
"""Levels: between these lies what a codec does to flat areas."""
FEW = 64
"""So many pixels tell of it as much as what is usual does."""
MEDIAN_TO_DEVIATION = 0.6745
"""Of a Gaussian: half of it lies within so many standard deviations."""


@dataclass(eq=False)
class Told:
    """What was seen in the frames so far, in the order of the reader's parts."""

    numbers: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    buttons: list[list[Floats]] = field(default_factory=list)
    sticks: list[list[tuple[Floats, Floats, Floats]]] = field(default_factory=list)
    found: list[Floats] = field(default_factory=list)


@dataclass(eq=False)
class Reader:
    """Reads one controller where it is in one video.

    Attributes:
        sight: How the template looks there.
        surroundings: What the rest of the video looks like.
        noise: How far what is seen lies from what is drawn.
        doubt: The same, with what shows through in it.
    """

    sight: Sight
    surroundings: Surroundings
    noise: Noise = field(default_factory=Noise)
    doubt: Noise = field(default_factory=Noise)

    def __post_init__(self) -> None:
        parts = parts_of(self.sight.template)
        boxes = [self.sight.where(part) for part in parts]
        layers = [
            [self.sight.layer(moment, box) for moment in places_of(part)]
            for part, box in zip(parts, boxes, strict=True)
        ]
        changes = [changing(each, self.sight.opacity) for each in layers]
        found = areas(boxes, changes, self.sight.box)
        seen = [number for number, (light, _) in enumerate(changes) if light.any()]
        self.parts = [parts[number] for number in seen]
        self.showers = [
            Shower(
                self.sight, found[n], Backgrounds(self.surroundings, found[n]),
                through(layers[n], self.sight.opacity, found[n]),
            )
            for n in seen
        ]  # fmt: skip
        self._open()

    def _open(self) -> None:
        self.eyes: list[tuple[Part, Eye]] = []
        self.presences: list[Presence] = []
        self.sticks: list[tuple[Part, StickEye]] = []
        for part, shower in zip(self.parts, self.showers, strict=True):
            if part.way is Way.STICK:
                self.sticks.append((part, StickEye(part, shower, self.doubt)))
            else:
                eye = shower.eye(part.states, self.noise, stale=True)
                self.eyes.append((part, eye))
                self.presences.append(shower.presence(part.states, self.noise))

    @property
    def outputs(self) -> frozenset[str]:
        """What can be read."""
        found = frozenset[str]().union(*(part.buttons for part in self.parts))
        found |= {f"{p.side}_trigger" for p in self.parts if p.way is Way.TRIGGER}
        return found | {f"j_{p.side}" for p in self.parts if p.way is Way.STICK}

    def learn(self, crops: Crops, rate: float) -> None:
        """Take from frames spread over the video what stands behind the controller.

        Args:
            crops: They.
            rate: Frames a second.
        """
        for part, shower in zip(self.parts, self.showers, strict=True):
            learn_standing(part, shower, self.noise, crops, rate)
        self._open()

    def measure_noise(self, crops: Crops) -> None:
        """Take the noise from what is left once most states are known.

        Of buttons, from where little shows through.  What does is never quite what it was taken
        for, and that is what sticks have to reckon with, whose every place hides another part.
        """
        light, chroma = _Left(), _Left()
        for _, each in self.eyes:
            states = each.look(crops).argmax(axis=1)
            for left, part, solid in zip(
                (light, chroma), each.residual(crops, states), each.solid, strict=True
            ):
                left.add(np.median(np.abs(part), axis=0), solid)
        now = self.noise
        self.noise = Noise(light.solid(now.light), chroma.solid(now.chroma), now.wobble)
        self.doubt = Noise(light.all(now.light), chroma.all(now.chroma), now.wobble)
        self._open()

    def look(self, frames: list[Frame], crops: Crops, told: Told, rate: float) -> None:
        """Look at frames that follow on those before, so many a second."""
        told.numbers += [frame.number for frame in frames]
        told.times += [frame.time for frame in frames]
        seen = [each.look(crops) for _, each in self.eyes]
        told.buttons.append(seen)
        told.sticks.append([stick.look(crops, rate) for _, stick in self.sticks])
        told.found.append(self._found(crops, seen))

    def _found(self, crops: Crops, seen: list[Floats]) -> Floats:
        """``T x 2``: how much of all is found, and how much there is to be found."""
        total = np.zeros((len(crops.y), 2), np.float32)
        for (_, eye), presence, said in zip(self.eyes, self.presences, seen, strict=True):
            fit = presence.fit(crops.pixels(0, eye.area), said.argmax(axis=1))
            total += np.stack(fit, axis=1)
        return total

    def decide(self, told: Told, rate: float) -> Reading:
        """What was pressed, seen all frames.

        Args:
            told: What was seen.
            rate: Frames a second.
        """
        count = len(told.numbers)
        whole = [np.concatenate(each) for each in zip(*told.buttons, strict=True)]
        found = [
            [np.concatenate(each) for each in zip(*batches, strict=True)]
            for batches in zip(*told.sticks, strict=True)
        ]
        likely = posterior([*whole, *(thumb for _, _, thumb in found)], rate)
        sticks, stick_sure = np.zeros((count, 4), np.float32), np.ones((count, 2), np.float32)
        for (part, _), (at, right, _) in zip(self.sticks, found, strict=True):
            side = SIDES.index(part.side)
            moved = bridged(at, right, np.array(told.times))
            sticks[:, 2 * side : 2 * side + 2] = np.clip(moved, -1, 1)
            stick_sure[:, side] = right
        sure, triggers = self._pressed(likely, count)
        pressed = np.stack([sure[name] > 0.5 for name in BUTTONS], axis=1)
        down = np.stack([sure[name] for name in PUBLISHED_BUTTONS], axis=1)
        return Reading(
            np.array(told.numbers, np.int64), np.array(told.times, np.float64),
            PadStates(pressed, sticks, triggers), np.maximum(down, 1 - down), stick_sure,
            there(np.concatenate(told.found), rate), self.sight.opacity, self.sight.pose,
            self.outputs,
        )  # fmt: skip

    def _pressed(self, likely: list[Floats], count: int) -> tuple[dict[str, Floats], Floats]:
        """How probable it is that each button is down; and how far triggers are pulled."""
        sure = {name: np.zeros(count, np.float32) for name in PUBLISHED_BUTTONS}
        triggers = np.zeros((count, 2), np.float32)
        for (part, _), each in zip([*self.eyes, *self.sticks], likely, strict=True):
            if part.way is Way.TRIGGER:
                side = SIDES.index(part.side)
                triggers[:, side], sure[f"{part.side}_trigger"] = _pull(part, each)
            for name in part.buttons:
                down = [number for number, s in enumerate(part.states) if name in s.buttons]
                sure[name] = each[:, down].sum(axis=1)
        return sure, triggers


def _pull(part: Part, likely: Floats) -> tuple[Floats, Floats]:
    """How far a trigger is pulled, and how probable it is that it counts as pressed."""
    pulls = np.array([max(state.triggers) for state in part.states], np.float32)
    over = pulls > PULLED
    pressed = likely[:, over].sum(axis=1)
    chosen = np.where((pressed > 0.5)[:, None], likely * over, likely * ~over)
    mean = (chosen * pulls).sum(axis=1) / chosen.sum(axis=1)
    return np.asarray(mean, np.float32), np.asarray(pressed, np.float32)


class _Left:
    """What is off where, in medians over frames."""

    def __init__(self) -> None:
        self._off: list[Floats] = []
        self._solid: list[NDArray[np.bool_]] = []

    def add(self, off: Floats, solid: NDArray[np.bool_]) -> None:
        self._off.append(off)
        self._solid.append(solid)

    def all(self, usual: float) -> float:
        """A standard deviation."""
        return _deviation(np.concatenate(self._off), 0, usual) if self._off else usual

    def solid(self, usual: float) -> float:
        """The same where little shows through; of few pixels, not far from what is usual."""
        if not self._off:
            return usual
        off = np.concatenate(self._off)[np.concatenate(self._solid)]
        return _deviation(off, FEW, usual)


def _deviation(off: Floats, few: int, usual: float) -> float:
    if not len(off):
        return usual
    typical = float(np.sqrt(np.mean(np.square(off / MEDIAN_TO_DEVIATION))))
    share = len(off) / (len(off) + few)
    return float(np.clip(usual * (max(typical, 1e-3) / usual) ** share, *NOISE_LIMITS))
