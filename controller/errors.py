"""What can go wrong between a decision and a game.

ControllerError
├── PadUnavailable       driver, library, device or permission is missing
├── PadFailed            an open pad could not take a state
├── ShimError            the preload library cannot be built or loaded
├── ClockFailed          the clock of a launched game cannot be had, or does not obey
│   ├── ClockLapsed      it went on by itself: nobody renewed its lease
│   └── StepHangs        a step of lockstep does not end; says which thread
├── PauseRefused         not ours to pause: own tree, pid 1, another user's
├── PauseFailed          the game did not stop or run as asked
├── ProcessGone          the game is not running (any more)
├── LedgerError          nothing can be noted for the case that we die
│   └── GameTaken        another process of ours plays the game
└── HandError            the hand could not start, has died or had to let go
"""

from __future__ import annotations

from typing import Any

from nitropilot.errors import NitroPilotError


class ControllerError(NitroPilotError):
    """Any failure to press, pause or guard."""

    code = "controller_failed"


class PadUnavailable(ControllerError):
    """A virtual gamepad cannot be made here; the hint says what to install or join."""

    code = "pad_unavailable"


class PadFailed(ControllerError):
    """An open pad did not take a state."""

    code = "pad_failed"


class ShimError(ControllerError):
    """The library preloaded into a game cannot be built or used."""

    code = "shim_failed"


class ClockFailed(ControllerError):
    """The clock of a launched game cannot be made, or is not what was asked for."""

    code = "clock_failed"


class ClockLapsed(ClockFailed):
    """A game that stood still went on by itself, because nobody renewed its lease."""

    code = "clock_lapsed"


class StepHangs(ClockFailed):
    """A step of a game in lockstep does not end."""

    code = "step_hangs"


class PauseRefused(ControllerError):
    """This process must not be paused by us."""

    code = "pause_refused"


class PauseFailed(ControllerError):
    """A process did not reach the state that was asked for."""

    code = "pause_failed"


class ProcessGone(ControllerError):
    """The game's process has ended."""

    code = "process_gone"


class LedgerError(ControllerError):
    """What is to be done cannot be written down, so it is not done."""

    code = "ledger_failed"


class GameTaken(LedgerError):
    """Another process of ours has its hand on the game.

    Attributes:
        facts: What that one has written of itself.
    """

    code = "game_taken"
    facts: dict[str, Any] = {}  # noqa: RUF012 - a default, replaced and never changed


class HandError(ControllerError):
    """The process that holds the pad and freezes the game failed, or had to let go."""

    code = "hand_failed"
