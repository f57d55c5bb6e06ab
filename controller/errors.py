"""What can go wrong between a decision and a game.

ControllerError
├── PadUnavailable       driver, library, device or permission is missing
├── PadFailed            an open pad could not take a state
├── ShimError            the preload library cannot be built or loaded
├── PauseRefused         not ours to pause: own tree, pid 1, another user's
├── PauseFailed          the game did not stop or run as asked
├── ProcessGone          the game is not running (any more)
└── WatchdogError        the watchdog could not start or has died
"""

from __future__ import annotations

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


class PauseRefused(ControllerError):
    """This process must not be paused by us."""

    code = "pause_refused"


class PauseFailed(ControllerError):
    """A process did not reach the state that was asked for."""

    code = "pause_failed"


class ProcessGone(ControllerError):
    """The game's process has ended."""

    code = "process_gone"


class WatchdogError(ControllerError):
    """Nothing would resume the game if this process died."""

    code = "watchdog_failed"
