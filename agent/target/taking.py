"""Find or launch a game, and take hold of it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot import capture, controller
from nitropilot.agent.cancelling import Cancellation
from nitropilot.agent.errors import AgentError
from nitropilot.agent.fair_play.judging import refuse_protected
from nitropilot.agent.target.controls import Controls
from nitropilot.agent.target.game import Game
from nitropilot.agent.target.launch import launch, patience_for
from nitropilot.agent.target.windows import close_window, find_window_again, open_window
from nitropilot.capture.errors import WindowVanished
from nitropilot.controller.clock.finding import find_clock
from nitropilot.controller.hand.protocol import FREEZE_LIMIT_S
from nitropilot.controller.pads.chooser import NO_PAD

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.agent.target.recipe import Target
    from nitropilot.capture import Window
    from nitropilot.controller import Hand, PadPage


def open_game(
    target: Target,
    *,
    pad: str = "auto",
    log: Path,
    freeze_limit: float = FREEZE_LIMIT_S,
    cancelled: Cancellation | None = None,
) -> Game:
    """Find or launch a game and take hold of it, without pressing or pausing anything yet.

    Args:
        target: Which game.
        pad: Kind of virtual pad: ``auto``, ``vgamepad``, ``sdl`` or ``NO_PAD``.
        log: File for the output of a launched game.
        freeze_limit: Seconds after which the hand ends a freeze on its own.
        cancelled: Set from another thread when the game is not wanted any more.

    Raises:
        NotPossibleNow: It was cancelled; that leaves nothing behind either.
        ProtectedGame: It has an anti-cheat system, or is online only.
        GameTaken: Another process of ours plays it.
        NitroPilotError: The window, the pad or the hand is not to be had;
            nothing is left open, and a game launched for this is ended.
    """
    launched, cancelled = None, cancelled or Cancellation()
    if target.launch is not None:
        launched = launch(
            target.launch, log=log, display=target.display, headless=target.headless,
            keep=target.keep, cancelled=cancelled,
        )  # fmt: skip
        window = launched.window
    else:
        window = cancelled.until(lambda: capture.find_window(
            handle=target.window, pid=target.pid, process=target.process, display=target.display
        ))  # fmt: skip
    try:
        return take_hold(window, launched, pad, freeze_limit, cancelled)
    except BaseException:
        if launched is not None:
            launched.close(patience_for(cancelled))
        raise


def take_hold(
    window: Window,
    launched: LaunchedGame | None,
    pad: str,
    freeze_limit: float,
    cancelled: Cancellation | None = None,
) -> Game:
    """Take hold of a window's game: see ``open_game``."""
    cancelled = cancelled or Cancellation()
    if window.pid is None:
        raise AgentError(
            f"the process of window {window.handle:#x} ({window.title!r}) is unknown, "
            "so it could not be paused",
            "name it with --pid beside --window: an X server in another container, or on "
            "another machine, does not know our processes",
        )
    with ExitStack() as undo:
        page = None
        if pad != "vgamepad":
            page = launched.page if launched is not None else _page_of(window.pid)
        if page is not None:
            undo.callback(page.close)
        display = launched.display if launched is not None else None
        clock = _clock_of(window.pid, launched)

        def take(pid: int) -> Hand:
            refuse_protected(pid)
            return controller.Hand.start(
                pid, pad=pad, page=page.path if page is not None else None, clock=clock,
                protect=[display.process.pid] if display else [], freeze_limit=freeze_limit,
                check=cancelled.check,
            )  # fmt: skip

        controls = Controls(take(window.pid))
        undo.callback(controls.close)
        cancelled.check()
        try:
            grabber, probe = cancelled.until(lambda: open_window(window), close_window)
        except WindowVanished:
            if launched is None:
                raise
            window, grabber, probe = find_window_again(window, cancelled.check)
        undo.pop_all()
    reason = "asked for" if pad in ("vgamepad", "sdl") else _why(page, pad)
    game = Game(window, grabber, controls, probe, launched, pad_reason=reason, page=page, take=take)
    game.cancelled = cancelled
    return game


def _page_of(pid: int) -> PadPage | None:
    """The pad page of a game that an earlier run launched, so that it can be joined again."""
    path = controller.find_page(pid)
    return controller.PadPage.open(path) if path is not None else None


def _clock_of(pid: int, launched: LaunchedGame | None) -> Path | None:
    """The clock page of a game that we launched, now or earlier."""
    if launched is not None:
        return launched.clock.path if launched.clock is not None else None
    return find_clock(pid)


def _why(page: PadPage | None, pad: str) -> str:
    if page is not None:
        return "the game was launched with the preloaded pad"
    if pad == NO_PAD:
        return "nobody plays but people, with pads of their own"
    return "the game was not launched by NitroPilot, so it needs a pad from a driver"
