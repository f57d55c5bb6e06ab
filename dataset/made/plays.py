"""What is to be played for a set of our own; who plays is in another room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import Moment

PLAYED_HZ = 60
"""Steps of play a second."""


class Step(NamedTuple):
    """One step of play.

    Attributes:
        picture: What was shown at its end, ``h x w x 3`` uint8 with even sides; may be drawn into.
        moment: What was pressed in it.
        taught: Whether it is to be learned: not, where somebody else had the pad.
    """

    picture: NDArray[np.uint8]
    moment: Moment
    taught: bool


class Play(Protocol):
    """A level that is played once, ``PLAYED_HZ`` steps a second."""

    @property
    def name(self) -> str:
        """Of the level, "runner-2": letters, digits and ``-``."""

    @property
    def seed(self) -> int:
        """That it is made from."""

    @property
    def won(self) -> bool:
        """Whether it is worth keeping; known when all steps are over."""

    def steps(self) -> Iterator[Step]:
        """All of it."""


class Plays(Protocol):
    """Gives levels: the same game and number give the same play."""

    def __call__(self, game: str, number: int) -> Play:
        """The level of a game with a number, from 0 on."""
