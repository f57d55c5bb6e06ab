"""The shared memory that a launched game gets: its pad, and the clocks that it goes by."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.errors import ClockFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from nitropilot.controller.clock.clock_page import ClockPage
    from nitropilot.controller.ledger.entry import Entry
    from nitropilot.controller.pads.pad_page import PadPage

_log = logging.getLogger("nitropilot.launch")


@dataclass(frozen=True)
class GameTime:
    """How a launched game's clocks go, as ``ClockPage.create`` takes it.

    Attributes:
        lockstep: Whether it stands at its first picture, and goes on by steps.
        seed: Of the time of day and of all chance; None leaves both true.
        settle: Whether a step waits until all threads rest.
    """

    lockstep: bool = False
    seed: int | None = None
    settle: bool = True


TRUE_TIME = GameTime()


def make_page(
    undo: ExitStack, environment: dict[str, str], entry: Entry, check: Callable[[], None]
) -> PadPage:
    """A page for the pad, noted in the ledger and named in the game's environment.

    Args:
        undo: Takes what removes it.
        environment: The game's.
        entry: Of the launch, in the ledger.
        check: Called again and again while the library compiles; raises when it need not.

    Raises:
        ControllerError: It cannot be made, or no library can be built that reads it.
    """
    from nitropilot.controller.pads.pad_page import PadPage
    from nitropilot.controller.pads.page_file import new_page_path
    from nitropilot.controller.pads.sdl_pad import launch_environment

    path = new_page_path()
    entry.note(page=str(path))
    page = PadPage.create(path)
    undo.callback(page.unlink)
    undo.callback(page.close)
    environment.update(launch_environment(page, check))
    return page


def make_clock(
    undo: ExitStack, environment: dict[str, str], entry: Entry, wanted: GameTime
) -> ClockPage | None:
    """A clock that stands while the game is frozen; without one it would jump afterwards.

    Raises:
        ClockFailed: There can be none, and more is wanted of it than that.
    """
    from nitropilot.controller.clock.clock_page import ClockPage
    from nitropilot.controller.clock.layout import CLOCK_VARIABLE
    from nitropilot.controller.pads.page_file import new_page_path

    path = new_page_path()
    entry.note(clock=str(path))
    try:
        clock = ClockPage.create(
            path, lockstep=wanted.lockstep, seed=wanted.seed, settle=wanted.settle
        )
    except ClockFailed as error:
        if wanted != TRUE_TIME:
            raise
        _log.warning("the game's clock will jump by the time that it was frozen: %s", error.line())
        return None
    undo.callback(clock.unlink)
    undo.callback(clock.close)
    environment[CLOCK_VARIABLE] = str(path)
    return clock
