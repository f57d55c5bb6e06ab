"""``Beginning``: what a hand is told first, and what it opens for that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.freezing import ClockFreezer, FreezeWay
from nitropilot.controller.hand.protocol import EXPIRY_S
from nitropilot.controller.pads.chooser import open_gamepad

if TYPE_CHECKING:
    from contextlib import ExitStack

    from nitropilot.controller.pads.gamepad import Gamepad
    from nitropilot.controller.pausing.pauser import Pauser


@dataclass(frozen=True)
class Beginning:
    """The first message: what to hold.

    Attributes:
        game: Process whose tree is stopped.
        pad: Kind of pad.
        page: Its page, or "".
        clock: The page of its clock, or "".
        protect: Processes that must not be stopped.
        owner: The daemon's process.
        owner_name: What it is called in the ledger.
        lease, limit: Of a freeze, in seconds.
        stays: Whether a freeze lasts as long as the daemon beats, without a limit.
    """

    game: int
    pad: str
    page: str
    clock: str
    protect: tuple[int, ...]
    owner: int
    owner_name: str
    lease: float
    limit: float
    stays: bool


def open_pad(begin: Beginning) -> Gamepad:
    """The pad that is asked for.

    Raises:
        PadUnavailable: There is none.
    """
    if not begin.page:
        return open_gamepad(begin.pad)
    from nitropilot.controller.pads.pad_page import PadPage

    return open_gamepad(begin.pad, page=PadPage.open(Path(begin.page)), expires_s=EXPIRY_S)


def open_clock(begin: Beginning, undo: ExitStack) -> ClockPage | None:
    """The game's clock, if it is ours.

    Raises:
        ClockFailed, PadUnavailable: It cannot be opened.
    """
    if not begin.clock:
        return None
    page = ClockPage.open(Path(begin.clock))
    undo.callback(page.close)
    return page


def freezer_of(begin: Beginning, pauser: Pauser, clock: ClockPage | None) -> ClockFreezer:
    """What holds the game still: its clock as well, if that is ours."""
    if clock is None:
        return ClockFreezer(FreezeWay.PROCESS, pauser, None)
    return ClockFreezer(FreezeWay.BOTH, pauser, clock, begin.lease)
