"""``Game``: one running game as one handle: window, grabber, and the hand that holds it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot import capture, controller
from nitropilot.agent.errors import AgentError, GameExited, GameHung
from nitropilot.agent.target.controls import Controls
from nitropilot.agent.target.fair_play import refuse_protected
from nitropilot.agent.target.launch import launch
from nitropilot.agent.target.rechecks import Rechecks
from nitropilot.agent.target.windows import describe, find_window_again, open_window
from nitropilot.capture.errors import WindowVanished
from nitropilot.controller.hand.protocol import FREEZE_LIMIT_S
from nitropilot.controller.pads.sdl_pad import why_not_opened

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.agent.target.recipe import Target
    from nitropilot.capture import Frame, Grabber, ResponseProbe, Window
    from nitropilot.controller import PadPage

HANG_TIMEOUT_S = 10.0
STOP_TOLERANCE_S = 2.0
"""How long another program may stop the game: a tool that takes a look lets it go soon."""


class Game:
    """A game that can be seen, pressed and paused.

    Args:
        window: Where it draws.
        grabber: Reads its pixels.
        controls: Pad and pauser.
        probe: Tells whether it still answers its window system.
        launched: Set when we started it.
        pad_reason: Why this kind of pad is in use.
        page: The memory behind a preloaded pad, through which the game tells of it.
    """

    def __init__(
        self,
        window: Window,
        grabber: Grabber,
        controls: Controls,
        probe: ResponseProbe,
        launched: LaunchedGame | None = None,
        pad_reason: str = "asked for",
        page: PadPage | None = None,
    ) -> None:
        self.window = window
        self.grabber = grabber
        self.controls = controls
        self.probe = probe
        self.launched = launched
        self.pad_reason = pad_reason
        self.page = page
        self._silent_since: float | None = None
        self._stopped_since: float | None = None
        self._rechecks = Rechecks(self._pids, controls.disarm)

    @property
    def stopped(self) -> str:
        """That another program stopped the game, if it had when last looked; or ""."""
        if self._stopped_since is None:
            return ""
        return f"the game was stopped by another program ({self.describe()})"

    @property
    def pad_warning(self) -> str:
        """Why the game may not see its pad, or ""; only preloaded pads tell."""
        if self.page is None:
            return ""
        status = self.page.status()
        if status.error or status.attached:
            return status.error
        return why_not_opened(self.window.pid or self.controls.hand.game)

    def grab(self) -> Frame:
        """The newest picture.

        Raises:
            CaptureError: The window vanished, is minimised, or could not be read.
        """
        return self.grabber.grab()

    def another_grabber(self) -> Grabber:
        """A second grabber of the same window, for another thread (recording)."""
        return capture.open_grabber(self.window)

    def find_again(self) -> None:
        """Follow a game that replaced its window, as it does when it changes its resolution.

        The game should be running, with a neutral pad, while this waits.

        Raises:
            GameExited: The game was ending, and has ended.
            GameHung: Somebody else stopped it.
            ProtectedGame: It has an anti-cheat system by now.
            WindowVanished: It goes on without a window.
        """
        window, grabber, probe = find_window_again(self.window, self.check_running)
        self.grabber.close()
        self.probe.close()
        self.window, self.grabber, self.probe = window, grabber, probe
        self._silent_since = None

    def check(self, running_seconds: float) -> None:
        """Raise unless the game is alive and reacting.

        Args:
            running_seconds: How long it has been running (not frozen by us) in total;
                silence is measured in this time.

        Raises:
            GameExited: Its process has ended.
            GameHung: It has not answered for ``HANG_TIMEOUT_S``, or somebody else stopped it
                for longer than ``STOP_TOLERANCE_S``.
            ProtectedGame: It has an anti-cheat system by now.
            WindowVanished: The window was closed.
        """
        self.check_running()
        if self.probe.poll() is not False:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = running_seconds
        elif running_seconds - self._silent_since > HANG_TIMEOUT_S:
            raise GameHung(
                f"the game has not reacted for {HANG_TIMEOUT_S:.0f} s ({self.describe()})",
                "end it with the task manager; its pad is neutral and it is not frozen",
            )

    def check_running(self) -> None:
        """As ``look_after``, and raise if it has been stopped for long.

        Raises:
            GameExited: It has ended.
            GameHung: Somebody else stopped it for longer than ``STOP_TOLERANCE_S``.
            ProtectedGame: It has an anti-cheat system by now.
        """
        self.look_after()
        since = self._stopped_since
        if since is not None and time.monotonic() - since > STOP_TOLERANCE_S:
            hint = "let it run again (kill -CONT, or the tool that stopped it)"
            raise GameHung(self.stopped, hint)

    def look_after(self) -> None:
        """Look at the game's process, also while nobody plays it; ``stopped`` says what was seen.

        Raises:
            GameExited: It has ended.
            ProtectedGame: It has an anti-cheat system by now.
        """
        hand = self.controls.hand
        if not hand.game_alive():
            raise GameExited(f"the game ended ({self.describe()})")
        if not hand.stopped_by_others():
            self._stopped_since = None
        elif self._stopped_since is None:
            self._stopped_since = time.monotonic()
        self._rechecks.check()

    def _pids(self) -> set[int]:
        game = self.controls.hand.game
        return {game, self.window.pid or game}

    def describe(self) -> str:
        """Executable, process id and window handle, for messages."""
        return describe(self.window)

    def close(self) -> None:
        """Let go: neutral pad, running game; ends the game if it is ours to end."""
        with ExitStack() as steps:  # the last one first, each whatever became of the others
            if self.launched is not None:
                keep = self.launched.keep and self.launched.process.poll() is None
                steps.callback(self.launched.let_run if keep else self.launched.close)
            if self.page is not None:
                steps.callback(self.page.close)
            steps.callback(self._rechecks.close)
            steps.callback(self.probe.close)
            steps.callback(self.grabber.close)
            steps.callback(self.controls.close)


def open_game(
    target: Target, *, pad: str = "auto", log: Path, freeze_limit: float = FREEZE_LIMIT_S
) -> Game:
    """Find or launch a game and take hold of it, without pressing or pausing anything yet.

    Args:
        target: Which game.
        pad: Kind of virtual pad: ``auto``, ``vgamepad`` or ``sdl``.
        log: File for the output of a launched game.
        freeze_limit: Seconds after which the hand ends a freeze on its own.

    Raises:
        ProtectedGame: It has an anti-cheat system, or is online only.
        GameTaken: Another process of ours plays it.
        NitroPilotError: The window, the pad or the hand is not to be had;
            nothing is left open, and a game launched for this is ended.
    """
    launched = None
    if target.launch is not None:
        launched = launch(
            target.launch, log=log,
            display=target.display, headless=target.headless, keep=target.keep,
        )  # fmt: skip
        window = launched.window
    else:
        window = capture.find_window(
            handle=target.window, pid=target.pid, process=target.process, display=target.display
        )
    try:
        game = take_hold(window, launched, pad, freeze_limit)
    except BaseException:
        if launched is not None:
            launched.close()
        raise
    return game


def take_hold(window: Window, launched: LaunchedGame | None, pad: str, freeze_limit: float) -> Game:
    """Take hold of a window's game: see ``open_game``."""
    if window.pid is None:
        raise AgentError(
            f"the process of window {window.handle:#x} ({window.title!r}) is unknown, "
            "so it could not be paused",
            "name the game with --pid as well",
        )
    refuse_protected(window.pid)
    with ExitStack() as undo:
        page = None
        if pad != "vgamepad":
            page = launched.page if launched is not None else _page_of(window.pid)
        if page is not None:
            undo.callback(page.close)
        display = launched.display if launched is not None else None
        controls = Controls(
            controller.Hand.start(
                window.pid, pad=pad, page=page.path if page is not None else None,
                protect=[display.process.pid] if display else [], freeze_limit=freeze_limit,
            )
        )  # fmt: skip
        undo.callback(controls.close)
        try:
            grabber, probe = open_window(window)
        except WindowVanished:
            if launched is None:
                raise
            window, grabber, probe = find_window_again(window, lambda: None)
        undo.pop_all()
    reason = "asked for" if pad != "auto" else _why(page)
    return Game(window, grabber, controls, probe, launched, pad_reason=reason, page=page)


def _page_of(pid: int) -> PadPage | None:
    """The pad page of a game that an earlier run launched, so that it can be joined again."""
    path = controller.find_page(pid)
    return controller.PadPage.open(path) if path is not None else None


def _why(page: PadPage | None) -> str:
    if page is not None:
        return "the game was launched with the preloaded pad"
    return "the game was not launched by NitroPilot, so it needs a pad from a driver"
