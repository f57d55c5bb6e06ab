"""``Game``: one running game as one handle: window, grabber, and the hand that holds it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from nitropilot import capture
from nitropilot.agent.cancelling import Cancellation
from nitropilot.agent.errors import GameExited, GameHung
from nitropilot.agent.fair_play.rechecks import Rechecks
from nitropilot.agent.target.launch import WINDOW_TIMEOUT_S
from nitropilot.agent.target.windows import NEW_WINDOW_S, describe, find_window_again
from nitropilot.capture.window import vanished
from nitropilot.controller.pads.sdl_pad import why_not_opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.target.controls import Controls
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.capture import Frame, Grabber, ResponseProbe, Window
    from nitropilot.controller import Hand, PadPage

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
        take: Takes hold of another process of a launched game.

    Attributes:
        cancelled: Set from another thread when the game is not wanted any more.
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
        take: Callable[[int], Hand] | None = None,
    ) -> None:
        self.window = window
        self.grabber = grabber
        self.controls = controls
        self.probe = probe
        self.launched = launched
        self.pad_reason = pad_reason
        self.page = page
        self.cancelled = Cancellation()
        self._take = take
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

        A launched game is followed into another of its processes too, as when a launcher has
        done its work.  The game should be running, with a neutral pad, while this waits.

        Raises:
            GameExited: The game was ending, and has ended.
            GameHung: Somebody else stopped it.
            ProtectedGame: It has an anti-cheat system by now.
            WindowVanished: It goes on without a window.
            NotPossibleNow: It was cancelled meanwhile.
        """
        if self.launched is None or self._take is None:
            window, grabber, probe = find_window_again(self.window, self.check_running)
        else:
            window, grabber, probe = self._find_next(self.launched, self._take)
        self.grabber.close()
        self.probe.close()
        self.window, self.grabber, self.probe = window, grabber, probe
        self._silent_since = None

    def _find_next(
        self, launched: LaunchedGame, take: Callable[[int], Hand]
    ) -> tuple[Window, Grabber, ResponseProbe]:
        """The next window of a launch, and a hold on its process if the old one has ended."""
        alive = self.controls.hand.game_alive

        def check() -> None:
            self.cancelled.check()
            if alive() or not launched.tree.running():
                self.check_running()

        limit = NEW_WINDOW_S if alive() else WINDOW_TIMEOUT_S
        find = partial(launched.tree.window, self.window.display or None)
        found = find_window_again(self.window, check, find, limit)
        pid = found[0].pid
        if pid is not None and not alive():
            try:
                self.controls.follow(partial(take, pid))
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
            WindowVanished: It has ended, and others of its launch go on: ``find_again``.
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
            WindowVanished: As ``check_running``.
        """
        hand = self.controls.hand
        if not hand.game_alive():
            if self.launched is not None and self.launched.tree.running():
                raise vanished(self.window)
            raise GameExited(f"the game ended ({self.describe()})")
        hand.check()  # also while nobody plays: the next press would need it
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
                keep = self.launched.keep and self.launched.tree.running()
                steps.callback(self.launched.let_run if keep else self.launched.close)
            if self.page is not None:
                steps.callback(self.page.close)
            steps.callback(self._rechecks.close)
            steps.callback(self.probe.close)
            steps.callback(self.grabber.close)
            steps.callback(self.controls.close)
