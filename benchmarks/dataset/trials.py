"""Clips whose truth is known, located and read: what is right, and what it costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.dataset.worst import Shot, shots
from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.pad import NEUTRAL
from nitropilot.dataset.pose import Pose, overlap
from nitropilot.dataset.reading.read import read_at, sight_of
from nitropilot.dataset.scoring.scores import Score, score
from nitropilot.dataset.synth.clips import write_clip
from nitropilot.dataset.synth.scenes import KINDS, scene
from nitropilot.dataset.synth.states import states
from nitropilot.dataset.video.frames import open_video

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.dataset.locating.locate import Locator
    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.templates.template import Template

SHORTEST, WIDEST = 90, 230
"""Pixels of width that overlays have in a picture of 640 x 360."""
CLEAR = 0.3
"""Share of a skin's canvas that is covered, from which on it is called opaque."""


@dataclass(frozen=True)
class Condition:
    """How clips are made.

    Attributes:
        name: For the table.
        crf: Coarsest and finest, of H.264.
        opacity: Of the controller.
        width: Of the picture.
        height: The same.
        rate: Frames a second.
        seconds: Of a clip.
    """

    name: str
    crf: tuple[int, int] = (23, 28)
    opacity: float = 1.0
    width: int = 640
    height: int = 360
    rate: int = 30
    seconds: float = 10.0


CONDITIONS = (
    Condition("usual"),
    Condition("crf 32", crf=(32, 32)),
    Condition("opacity 40 %", opacity=0.4),
    Condition("720p", width=1280, height=720, seconds=20.0),
)


class Trial(NamedTuple):
    """One clip, tried.

    Attributes:
        skin: Which.
        opaque: Whether it covers what is behind it.
        condition: How it was made.
        right: Whether the right skin was found, and nothing else.
        sure: Its score.
        iou: Of its box with the true one; 0 where it was not found.
        off: Pixels by which the corners of the canvas are off, once refined.
        score: Of what was read; None where nothing was found.
        locating: CPU seconds for finding it.
        preparing: CPU seconds for a closer look.
        reading: CPU seconds for reading it, set-up included.
        seconds: Of the clip.
        seed: It was made from.
        shots: Moments in which most was wrong.
    """

    skin: str
    opaque: bool
    condition: str
    right: bool
    sure: float
    iou: float
    off: float
    score: Score | None
    locating: float
    preparing: float
    reading: float
    seconds: float
    seed: int = 0
    shots: tuple[Shot, ...] = ()

    def plain(self) -> dict[str, Any]:
        """For programs: without pictures."""
        return {name: value for name, value in self._asdict().items() if name != "shots"}


def is_opaque(template: Template) -> bool:
    """Whether a skin covers what is behind it."""
    alpha = Painter(template).paint(NEUTRAL)[..., 3]
    return float((alpha > 0.8).mean()) > CLEAR


def trial(
    template: Template,
    locator: Locator,
    condition: Condition,
    seed: int,
    path: Path,
    reads: bool = True,
) -> Trial:
    """Make a clip, find the controller, read it.

    Args:
        template: The skin.
        locator: Knows it and others.
        condition: How the clip is made.
        seed: Decides all that is random.
        path: Where the clip is written.
        reads: Whether it is read, too.
    """
    truth, pose = make_clip(template, condition, seed, path)
    video = open_video(path)
    start = time.process_time()
    search = locator.search(video)
    locating = time.process_time() - start
    right = [found for found in search.found if found.template.name == template.name]
    blank = Trial(
        template.name, is_opaque(template), condition.name, False, 0.0, 0.0, float("nan"), None,
        locating, 0.0, 0.0, condition.seconds, seed,
    )  # fmt: skip
    if not right:
        return blank
    size = (template.width, template.height)
    start = time.process_time()
    sight = sight_of(video, right[0])
    preparing = time.process_time() - start
    found = blank._replace(
        right=len(search.found) == 1,
        sure=right[0].score,
        iou=overlap(right[0].pose.box(*size), pose.box(*size)),
        off=_off(sight.pose, pose, size),
        preparing=preparing,
    )
    if not reads:
        return found
    reading = read_at(video, sight, 0, len(video.times))
    done = time.process_time() - start - preparing
    shown = truth.part(0, len(reading.numbers))
    return found._replace(
        score=score(reading.states, shown, reading.outputs),
        reading=done,
        shots=shots(video, sight.box, reading, shown),
    )


def make_clip(
    template: Template, condition: Condition, seed: int, path: Path
) -> tuple[PadStates, Pose]:
    """Write a clip; what is pressed in it, and where its controller is.

    Args:
        template: The skin.
        condition: How the clip is made.
        seed: Decides all that is random.
        path: Where the clip is written.
    """
    rng = np.random.default_rng((seed, *template.name.encode()))
    truth = states(rng, condition.seconds, condition.rate)
    pose = _pose(template, condition, rng)
    kind = sorted(KINDS)[int(rng.integers(len(KINDS)))]
    pictures = scene(kind, rng, condition.width, condition.height, len(truth))
    crf = int(rng.integers(condition.crf[0], condition.crf[1] + 1))
    write_clip(path, template, pose, truth, pictures, condition.rate, condition.opacity, crf=crf)
    return truth, pose


def _pose(template: Template, condition: Condition, rng: np.random.Generator) -> Pose:
    larger = condition.width / 640
    width = rng.uniform(SHORTEST + 40, WIDEST) * larger
    scale = width / template.width
    room = condition.width - width, condition.height - scale * template.height
    return Pose(scale, float(rng.uniform(0, room[0])), float(rng.uniform(0, max(room[1], 0))))


def _off(found: Pose, true: Pose, size: tuple[int, int]) -> float:
    """The mean distance of the four corners, in pixels."""
    corners = np.array([[x, y, 1] for x in (0, size[0]) for y in (0, size[1])])
    apart = corners @ found.matrix().T - corners @ true.matrix().T
    return float(np.linalg.norm(apart, axis=1).mean())
