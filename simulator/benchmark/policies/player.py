"""``Player``: what decides in an episode, wherever it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.card import Card


@dataclass(frozen=True, eq=False)
class Look:
    """What a policy is shown.

    Attributes:
        picture: ``H x W x 3`` uint8, RGB.
        info: What it may know beside; see ``policies.info``.
        tick: Of its own that have been played in this episode; the picture's.
    """

    picture: NDArray[np.uint8]
    info: dict[str, Any]
    tick: int


class Player(ABC):
    """A policy that is ready to play.  One episode at a time.

    Attributes:
        card: What it says of itself.
    """

    card: Card

    @abstractmethod
    def begin(self, info: dict[str, Any]) -> None:
        """A new episode begins: nothing of the one before counts.

        Raises:
            PolicyFailed: It failed.
        """

    @abstractmethod
    def decide(self, look: Look) -> Actions:
        """``T x 20`` actions.

        Raises:
            PolicyFailed: It failed, or answered what is none.
        """

    def close(self) -> None:
        """Free what it holds.  Safe to call twice."""
        return
