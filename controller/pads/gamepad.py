"""``Gamepad``: the interface of every virtual pad."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from nitropilot.controller.state import NEUTRAL

if TYPE_CHECKING:
    from types import TracebackType

    from nitropilot.controller.state import GamepadState


class Gamepad(ABC):
    """A virtual Xbox 360 pad that a game can see.

    ``send`` replaces the whole state; a pad starts neutral and ``close`` leaves
    it neutral.  Not thread-safe: callers hold their own lock.
    """

    name: str
    """Short name of the backend, such as ``"vgamepad"`` or ``"sdl"``."""

    @abstractmethod
    def send(self, state: GamepadState) -> None:
        """Make ``state`` what the game reads next.

        Raises:
            PadFailed: The device did not take it.
        """

    @abstractmethod
    def close(self) -> None:
        """Return to neutral and take the device away.  Safe to call twice."""

    def renew(self, lasts: float | None = None) -> None:  # noqa: B027 - a device keeps its state
        """Say that what was sent last is still meant.

        Args:
            lasts: For how many seconds from now, where a state expires at all; None: as ``send``.
        """

    def neutral(self) -> None:
        """Release everything."""
        self.send(NEUTRAL)

    def __enter__(self) -> Gamepad:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class NoPad(Gamepad):
    """None at all: nothing is plugged in, and what is sent reaches nobody."""

    name = "none"

    def send(self, state: GamepadState) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
