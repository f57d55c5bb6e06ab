"""``write_play``: a level as a video with a controller in it, and what that shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.made.plays import PLAYED_HZ
from nitropilot.dataset.pad import Moment, PadStates, states_of
from nitropilot.dataset.synth.clips import Coding, write_frames
from nitropilot.dataset.synth.overlay import Overlay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.dataset.made.looks import Look
    from nitropilot.dataset.made.plays import Play, Step

    Picture = NDArray[np.uint8]

LONGEST_S = 600
"""No level lasts longer."""
CODING = Coding(crf=20, matrix="bt709")


@dataclass
class Shown:
    """What a video shows, frame by frame.

    Attributes:
        moments: Of the pad.
        taught: Whether a frame is to be learned from.
        size: Width and height.
    """

    moments: list[Moment] = field(default_factory=list)
    taught: list[bool] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)

    @property
    def states(self) -> PadStates:
        """The moments as arrays."""
        return states_of(self.moments)


def write_play(path: Path, play: Play, look: Look, hz: int) -> Shown | None:
    """Play a level, draw the controller over it, and encode that.

    Args:
        path: Of the video; overwritten.
        play: The level.
        look: Of the controller.
        hz: Frames a second, ``PLAYED_HZ`` or half of them.

    Returns:
        What the video shows; None, and no video, where the level is not worth keeping.

    Raises:
        NotExtracted: The pictures have an odd side, or there is none.
    """
    shown = Shown()
    write_frames(path, _drawn(play, look, hz, shown), np.arange(LONGEST_S * hz) / hz, CODING)
    if play.won:
        return shown
    path.unlink()
    return None


def merged(steps: Sequence[Step]) -> Moment:
    """What a frame shows that stands for several steps: no tap is lost.

    Buttons were down in any of them, sticks are the mean, triggers the furthest pull.
    """
    sticks = np.mean([step.moment.sticks for step in steps], axis=0)
    triggers = np.max([step.moment.triggers for step in steps], axis=0)
    return Moment(
        frozenset[str]().union(*(step.moment.buttons for step in steps)),
        (float(sticks[0]), float(sticks[1]), float(sticks[2]), float(sticks[3])),
        (float(triggers[0]), float(triggers[1])),
    )


def _drawn(play: Play, look: Look, hz: int, shown: Shown) -> Iterator[Picture]:
    overlay: Overlay | None = None
    for steps in _frames(play, PLAYED_HZ // hz):
        if len(shown.moments) == LONGEST_S * hz:
            raise NotExtracted(f"{play.name} does not end", "leave the game out with --games")
        picture, moment = steps[-1].picture, merged(steps)
        if overlay is None:
            height, width = picture.shape[:2]
            shown.size = (width, height)
            overlay = Overlay(look.template, look.pose, width, height, look.opacity)
        overlay.over(picture, moment)
        shown.moments.append(moment)
        shown.taught.append(all(step.taught for step in steps))
        yield picture


def _frames(play: Play, count: int) -> Iterator[list[Step]]:
    """Steps, so many to a frame; what is left at the end is none."""
    steps: list[Step] = []
    for step in play.steps():
        steps.append(step)
        if len(steps) == count:
            yield steps
            steps = []
