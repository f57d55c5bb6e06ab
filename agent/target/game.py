"""``Game``: one running game as one handle: window, grabber, pad, pauser, watchdog."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot import capture, controller
from nitropilot.agent.cancelling import Cancellation
from nitropilot.agent.errors import AgentError, GameExited, GameHung
from nitropilot.agent.target.controls import Controls, Hold
from nitropilot.agent.target.launch import WINDOW_TIMEOUT_S, launch, patience_for
from nitropilot.agent.target.windows import (
    NEW_WINDOW_S,
    describe,
    find_window_again,
    open_window,
)
from nitropilot.capture.errors import WindowVanished
from nitropilot.capture.window import vanished

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.agent.target.recipe import Target
    from nitropilot.capture import Frame, Grabber, ResponseProbe, Window
    from nitropilot.controller import PadPage

HANG_TIMEOUT_S = 10.0


class Game:
    """A game that can be seen, pressed and paused.

    Args:
        window: Where it draws.
        grabber: Reads its pixels.
        controls: Pad, pauser and watchdog.
        probe: Tells whether it still answers its window system.
        launched: Set when we started it.
        keep_running: Whether a launched game outlives ``close``.
        pad_reason: Why this kind of pad is in use.
        page: The memory behind a preloaded pad, through which the game tells of it.
        hold: How another process of a launched game is taken hold of.
    """

    def __init__(
        self,
        window: Window,
        grabber: Grabber,
        controls: Controls,
        probe: ResponseProbe,
        launched: LaunchedGame | None = None,
        keep_running: bool = False,
        pad_reason: str = "asked for",
        page: PadPage | None = None,
        hold: Hold | None = None,
    ) -> None:
        self.window = window
        self.grabber = grabber
        self.controls = controls
        self.probe = probe
        self.launched = launched
        self.keep_running = keep_running
        self.pad_reason = pad_reason
        self.page = page
        self.cancelled = Cancellation()
        self._hold = hold
        self._silent_since: float | None = None

    @property
    def pad_warning(self) -> str:
        """Why the game may not see its pad, or ""; only preloaded pads tell."""
        if self.page is None:
            return ""
        status = self.page.status()
        if status.error or status.attached:
            return status.error
        return "the game has not opened the pad: it may not use SDL 2, or have its own copy inside"

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

        A launched game is followed into another of its processes too, as when a launcher has
        done its work.  The game should be running, with a neutral pad, while this waits.

        Raises:
            GameExited: The game was ending, and has ended.
            GameHung: Somebody else stopped it.
            WindowVanished: It goes on without a window.
            ProtectedGame: Its other process must not be played.
            NotPossibleNow: It was cancelled meanwhile.
        """
        if self.launched is None or self._hold is None:
            window, grabber, probe = find_window_again(self.window, self.check_running)
        else:
            window, grabber, probe = self._find_next(self.launched, self._hold)
        self.grabber.close()
        self.probe.close()
        self.window, self.grabber, self.probe = window, grabber, probe
        self._silent_since = None

    def _find_next(
        self, launched: LaunchedGame, hold: Hold
    ) -> tuple[Window, Grabber, ResponseProbe]:
        """The next window of a launch, and a hold on its process if the old one has ended."""

        def check() -> None:
            self.cancelled.check()
            if self.controls.pauser.alive() or not launched.tree.running():
                self.check_running()

        limit = NEW_WINDOW_S if self.controls.pauser.alive() else WINDOW_TIMEOUT_S
        find = partial(launched.tree.window, self.window.display or None)
        found = find_window_again(self.window, check, find, limit)
        pid = found[0].pid
        if pid is not None and not self.controls.pauser.alive():
            try:
                self.controls.follow(*hold.take(pid))
            except BaseException:
                found[1].close()
                found[2].close()
                raise
        return found

    def check(self, running_seconds: float) -> None:
        """Raise unless the game is alive and reacting.

        Args:
            running_seconds: How long it has been running (not frozen by us) in total;
                silence is measured in this time.

        Raises:
            GameExited: It has ended.
            GameHung: It has not answered for ``HANG_TIMEOUT_S``, or somebody else stopped it.
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
        """Raise unless the game's process is there and is not stopped by somebody else.

        Raises:
            GameExited: It has ended.
            GameHung: It is stopped.
            WindowVanished: It has ended, and others of its launch go on: ``find_again``.
        """
        pauser = self.controls.pauser
        if not pauser.alive():
            if self.launched is not None and self.launched.tree.running():
                raise vanished(self.window)
            raise GameExited(f"the game ended ({self.describe()})")
        if pauser.stopped_by_others():
            raise GameHung(
                f"the game was stopped by another program ({self.describe()})",
                "let it run again (kill -CONT, or the tool that stopped it)",
            )

    def describe(self) -> str:
        """Executable, process id and window handle, for messages."""
        return describe(self.window)

    def close(self) -> None:
        """Let go: neutral pad, running game; ends the game if it is ours to end."""
        with ExitStack() as steps:  # the last one first, each whatever became of the others
            if self.launched is not None:
                keep = self.keep_running and self.launched.tree.running()
                steps.callback(self.launched.let_run if keep else self.launched.close)
            steps.callback(self.probe.close)
            steps.callback(self.grabber.close)
            steps.callback(self.controls.close)


def open_game(
    target: Target,
    *,
    pad: str = "auto",
    log: Path,
    freeze_limit: float = 60.0,
    cancelled: Cancellation | None = None,
) -> Game:
    """Find or launch a game and take hold of it, without pressing or pausing anything yet.

    Args:
        target: Which game.
        pad: Kind of virtual pad: ``auto``, ``vgamepad`` or ``sdl``.
        log: File for the output of a launched game.
        freeze_limit: Seconds after which the watchdog ends a freeze on its own.
        cancelled: Set from another thread when the game is not wanted any more.

    Raises:
        NotPossibleNow: It was cancelled; that leaves nothing behind either.
        ProtectedGame: It has an anti-cheat system, or is online only.
        NitroPilotError: The window, the pad, the pauser or the watchdog is not to be had;
            nothing is left open, and a game launched for this is ended.
    """
    launched, cancelled = None, cancelled or Cancellation()
    if target.launch is not None:
        launched = launch(
            target.launch, log=log, display=target.display, headless=target.headless,
            cancelled=cancelled,
        )  # fmt: skip
        window = launched.window
    else:
        window = capture.find_window(
            handle=target.window, pid=target.pid, process=target.process, display=target.display
        )
    try:
        game = take_hold(window, launched, pad, freeze_limit, cancelled)
    except BaseException:
        if launched is not None:
            launched.close(patience_for(cancelled))
        raise
    if launched is not None:
        visible = launched.display is None
        game.keep_running = visible if target.keep is None else target.keep
    return game


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
        hold = Hold(
            page.path if page is not None else None,
            (display.process.pid,) if display is not None else (),
            freeze_limit,
        )
        pauser, watchdog = hold.take(window.pid)
        undo.callback(watchdog.close)
        gamepad = controller.open_gamepad(pad, page=page)
        undo.callback(gamepad.close)
        controls = Controls(gamepad, pauser, watchdog)
        undo.callback(controls.close)
        cancelled.check()
        try:
            grabber, probe = open_window(window)
        except WindowVanished:
            if launched is None:
                raise
            window, grabber, probe = find_window_again(window, cancelled.check)
        undo.pop_all()
    reason = "asked for" if pad != "auto" else _why(page)
    game = Game(window, grabber, controls, probe, launched, pad_reason=reason, page=page, hold=hold)
    game.cancelled = cancelled
    return game


def _page_of(pid: int) -> PadPage | None:
    """The pad page of a game that an earlier run launched, so that it can be joined again."""
    path = controller.find_page(pid)
    return controller.PadPage.open(path) if path is not None else None


def _why(page: PadPage | None) -> str:
    if page is not None:
        return "the game was launched with the preloaded pad"
    return "the game was not launched by NitroPilot, so it needs a pad from a driver"
