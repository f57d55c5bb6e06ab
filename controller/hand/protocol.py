"""What the daemon and a game's hand say to each other: one JSON array a line, a word first.

    to the hand
    beat  number computing             the daemon lives; and whether its engine computes
    arm   epoch                        what names another epoch is void from now on
    play  epoch stretch serial thaw period [[number, due, state] ...] tail
                                       a plan, in place of what is left of the one before
    extend epoch                       the loop still wants what is left of its plan
    hold  id epoch seconds state       one state now, for so long
    pass  state                        what a human does; again while they hold it
    limits buttons [axis ...]          what plans may not press
    release id                         neutral, running, nothing more
    freeze id epoch, thaw id           stop the game, let it run
    stand id epoch timeout             the game goes by steps, and is to stand at its gate
    step  id epoch count timeout state so many steps with that state; then it stands again
    run   id epoch until seconds state a frozen game runs until that virtual time with that state,
                                       and is frozen again; how long the state lasts at most
    close id                           goodbye

    from the hand
    ready facts, own facts             it holds the game; which devices are its pad
    done  id value, failed id code message hint
    beat  number                       it lives too
    sent  stretch serial number due at
    lapsed count                       the daemon was silent: the pad went neutral
    thawed reason                      a freeze ended by itself: FREEZE_LEASE or FREEZE_LIMIT

Times are seconds of ``time.perf_counter``, which all processes of a machine share.  ``due`` is
null in a plan that begins when the game runs again: one ``period`` after another from then on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.controller.errors import (
    ClockFailed,
    ClockLapsed,
    ControllerError,
    GameTaken,
    HandError,
    LedgerError,
    PadFailed,
    PadUnavailable,
    PauseFailed,
    PauseRefused,
    ProcessGone,
    ShimError,
    StepHangs,
)
from nitropilot.controller.state import Button, GamepadState

if TYPE_CHECKING:
    from pathlib import Path

BEAT_S = 0.025
"""How often the daemon says that it lives."""
ALIVE_S = 0.25
"""How long its silence lasts until the pad is neutral."""
PLAN_S = 0.25
"""How long a plan goes on by itself: the loop that made it has to say that it still wants it."""
HUMAN_S = 0.5
"""How long a human's state goes on by itself: who reads their pad has to say it again."""
EXPIRY_S = 0.09
"""How long a state in the shared page is good: the game itself lets go of an older one."""
FREEZE_LEASE_S = 2.0
"""How long a freeze lasts that nothing renews."""
FREEZE_LIMIT_S = 60.0
"""How long a freeze lasts at most."""
FREEZE_LEASE, FREEZE_LIMIT = "lease", "limit"

_ERRORS = {
    kind.code: kind
    for kind in (
        ClockFailed, ClockLapsed, GameTaken, LedgerError, PadFailed, PadUnavailable, PauseFailed,
        PauseRefused, ProcessGone, ShimError, StepHangs,
    )
}  # fmt: skip


class Sent(NamedTuple):
    """A state of a plan has been sent.

    Attributes:
        stretch, serial, number: Of the stretch of play, the plan and the state.
        due, began, at: When it was to be sent, when the hand began to, and when it was there for
            the game to see, in seconds of ``time.perf_counter``.
    """

    stretch: int
    serial: int
    number: int
    due: float
    began: float
    at: float


def encode(*message: Any) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> list[Any]:
    """The message of one line."""
    message: list[Any] = json.loads(line)
    return message


def pack(state: GamepadState) -> list[float]:
    """A state as numbers."""
    return [
        *state.left, *state.right, state.left_trigger, state.right_trigger, int(state.buttons),
    ]  # fmt: skip


def unpack(numbers: list[float]) -> GamepadState:
    """A state from its numbers."""
    lx, ly, rx, ry, left, right, buttons = numbers
    return GamepadState((lx, ly), (rx, ry), left, right, Button(int(buttons)))


def named(page: Path | None) -> str:
    """A page's file, wherever the other end stands; "" for none."""
    return "" if page is None else str(page.absolute())


def failure(error: BaseException) -> list[str]:
    """Code, message and hint of an error, for ``failed``."""
    if isinstance(error, ControllerError):
        return [error.code, str(error), error.hint]
    return [HandError.code, f"{type(error).__name__}: {error}", ""]


def error_of(code: str, message: str, hint: str) -> ControllerError:
    """The error that a ``failed`` tells of."""
    return _ERRORS.get(code, HandError)(message, hint)
