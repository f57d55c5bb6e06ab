"""``Reading``: what was pressed in each frame, and how sure that is; and what is ``Readable``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.pose import Pose
    from nitropilot.dataset.templates.template import Template


class Readable(Protocol):
    """What is to be read: a controller where it was found."""

    @property
    def template(self) -> Template:
        """Which it is."""

    @property
    def pose(self) -> Pose:
        """About where it is."""

    @property
    def first(self) -> int:
        """First frame in which it is there."""

    @property
    def last(self) -> int:
        """The first one after them."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Frames that follow on each other, read.

    Attributes:
        numbers: ``T`` int64: which frames of the video.
        times: ``T`` float64: when each is shown, seconds from the video's first one.
        states: ``T`` of them.
        confidence: ``T x 17`` float32, by ``PUBLISHED_BUTTONS``: how probable it is that a button
            is as it was read, 0.5 to 1; 1 for those that the controller on screen does not show.
        stick_confidence: ``T x 2`` float32: how probable it is that the left and the right stick
            are within a fifth of their way of where they were read.
        shown: ``T`` float32, 0 to 1: how probable it is that the controller is there.
        opacity: With which it is drawn.
        pose: Where it is.
        outputs: What can be read off it; the others are always released.
    """

    numbers: NDArray[np.int64]
    times: NDArray[np.float64]
    states: PadStates
    confidence: NDArray[np.float32]
    stick_confidence: NDArray[np.float32]
    shown: NDArray[np.float32]
    opacity: float
    pose: Pose
    outputs: frozenset[str]
