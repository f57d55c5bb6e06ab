"""Start a game with the preloaded pad, on the player's display or a private one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.agent.cancelling import Cancellation
from nitropilot.agent.errors import LaunchFailed
from nitropilot.agent.fair_play.judging import refuse_protected_program
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.launch_pages import TRUE_TIME, make_clock, make_page
from nitropilot.agent.target.launch_tree import LaunchTree
from nitropilot.agent.target.surroundings import move_to, surroundings, use_profile
from nitropilot.agent.target.windows import settled_window
from nitropilot.children import find_program
from nitropilot.controller.ledger.entry import Entry
from nitropilot.controller.ledger.heal import PROFILE_PREFIX
from nitropilot.controller.processes import LAUNCH_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.target.launch_pages import GameTime
    from nitropilot.agent.target.recipe import Recipe
    from nitropilot.capture import Window
    from nitropilot.controller.clock.clock_page import ClockPage
    from nitropilot.controller.pads.pad_page import PadPage

WINDOW_TIMEOUT_S = 60.0
PATIENCE_S = 3.0
HURRY_S = 0.3
"""How long a game has to end by itself; one that was given up has nothing to save."""
LOG_TAIL_BYTES = 2000
LOG = "game.log"
"""Of a game whose output nobody else keeps: a file in its profile."""
HINT = "name a program that you may run (on Linux: chmod +x)"


@dataclass
class LaunchedGame:
    """A game that we started and may end.

    Attributes:
        recipe: What was started.
        process: The game's process.
        window: Its window when it first showed.
        page: The shared memory that feeds its pad, None where pads are devices (Windows).
        clock: The shared memory that its clocks go by, None where they are the machine's.
        display: The private X server made for it, if any.
        profile: The throw-away folder made for it.
        tree: All its processes; ``process`` may end before the others.
        entry: Says so in the ledger, should this process die.
        keep: Whether it runs on when its session ends.
    """

    recipe: Recipe
    process: subprocess.Popen[bytes]
    window: Window
    page: PadPage | None
    clock: ClockPage | None
    display: PrivateDisplay | None
    profile: Path
    tree: LaunchTree
    entry: Entry
    keep: bool

    def close(self, patience: float = PATIENCE_S) -> None:
        """End the game and the private display, and remove its profile.  Safe to call twice.

        Args:
            patience: Seconds in which each may end by itself, once it is asked to.
        """
        with ExitStack() as steps:  # the last one first, each whatever became of the others
            steps.callback(self.entry.remove)
            steps.callback(shutil.rmtree, self.profile, ignore_errors=True)
            for page in (self.page, self.clock):
                if page is not None:
                    steps.callback(page.unlink)
                    steps.callback(page.close)
            if self.display is not None:
                steps.callback(self.display.close, patience)
            steps.callback(self.tree.end, patience)

    def let_run(self) -> None:
        """Give up ownership: the game goes on, with a neutral pad, after this process."""
        for page in (self.page, self.clock):
            if page is not None:
                page.close()
        with suppress(OSError):
            self.entry.note(keep=True)
        self.entry.close()  # which whoever comes after the game's end will heal


def launch(
    recipe: Recipe,
    *,
    log: Path | None,
    display: str | None = None,
    headless: bool | None = None,
    keep: bool | None = False,
    timeout: float = WINDOW_TIMEOUT_S,
    cancelled: Cancellation | None = None,
    game_time: GameTime = TRUE_TIME,
    prepare: Callable[[Path], None] | None = None,
) -> LaunchedGame:
    """Start a game and wait for its window.

    Args:
        recipe: What to start.
        log: File that takes the game's own output; None: ``LOG`` in its profile.
        display: X display to use; default is the one of the environment.
        headless: True for a private Xvfb, False for never, None for one if there is no display.
        keep: Whether it runs on at the end; None: if it can be seen.
        timeout: Seconds until the window must be there.
        cancelled: Set from another thread when the game is not wanted any more; what was
            started until then is ended at once.
        game_time: How its clocks go.
        prepare: Puts into its new profile what it is to find there.

    Raises:
        LaunchFailed: It did not start, ended, or showed no window; the message holds
            the last line of its output.
        ProtectedGame: It has an anti-cheat system: see ``agent.fair_play.judging``.
        ShimError: The pad library for it cannot be built (no compiler).
        NotPossibleNow: It was cancelled.
    """
    with ExitStack() as undo:
        launched = _launch(
            undo, recipe, log, display, headless, keep, timeout, cancelled or Cancellation(),
            game_time, prepare,
        )  # fmt: skip
        undo.pop_all()
    return launched


def patience_for(cancelled: Cancellation) -> float:
    """How long a launched game has to end by itself, in seconds."""
    return HURRY_S if cancelled.is_set() else PATIENCE_S


def _launch(
    undo: ExitStack,
    recipe: Recipe,
    log: Path | None,
    display: str | None,
    headless: bool | None,
    keep: bool | None,
    timeout: float,
    cancelled: Cancellation,
    game_time: GameTime,
    prepare: Callable[[Path], None] | None,
) -> LaunchedGame:
    tree = LaunchTree()
    profile = Path(tempfile.gettempdir()) / f"{PROFILE_PREFIX}{tree.mark}"
    entry = Entry.create(f"launch-{tree.mark}", {"launch": tree.mark, "profile": str(profile)})
    undo.callback(entry.remove)
    environment = surroundings() | {LAUNCH_VARIABLE: tree.mark}
    page, clock, private = None, None, None
    if sys.platform != "win32":
        private = _choose_display(undo, environment, display, headless, cancelled, entry)
        page = make_page(undo, environment, entry, cancelled.check)
        clock = make_clock(undo, environment, entry, game_time)
    keep = private is None if keep is None else keep
    entry.note(keep=keep)
    cancelled.check()
    profile.mkdir(mode=0o700)
    undo.callback(shutil.rmtree, profile, ignore_errors=True)
    if recipe.private_profile:
        use_profile(environment, profile)
    if prepare is not None:
        prepare(profile)
    log = log or profile / LOG
    environment |= dict(recipe.environment)
    tree.process = process = _spawn(recipe, profile, environment, log)
    undo.callback(lambda: tree.end(patience_for(cancelled)))
    window = _wait_for_window(tree, environment.get("DISPLAY"), timeout, log, cancelled)
    return LaunchedGame(recipe, process, window, page, clock, private, profile, tree, entry, keep)


def refuse_launch(recipe: Recipe, display: str | None, headless: bool | None) -> None:
    """Raise what a launch would at once: it is asked before a policy is loaded for the game.

    Raises:
        LaunchFailed: The program is not there, or there is no display that it may use.
        ProtectedGame: It belongs to a game that is protected against cheating.
    """
    if sys.platform != "win32":
        _require_display(bool(display or surroundings().get("DISPLAY")), headless)
    _checked_command(recipe, Path(tempfile.gettempdir()))


def _require_display(visible: bool, headless: bool | None) -> None:
    if headless is False and not visible:
        raise LaunchFailed(
            "there is no display", "set DISPLAY, or allow a private one (--headless)"
        )


def _checked_command(recipe: Recipe, profile: Path) -> list[str]:
    """Program, by its path, and arguments."""
    command = recipe.command(profile)
    program = find_program(command[0])
    if program is None:
        raise LaunchFailed(
            f"cannot start {recipe.program}: no such program, or not one that you may run", HINT
        )
    refuse_protected_program(program, command[1:])
    return [program, *command[1:]]


def _choose_display(
    undo: ExitStack,
    environment: dict[str, str],
    display: str | None,
    headless: bool | None,
    cancelled: Cancellation,
    entry: Entry,
) -> PrivateDisplay | None:
    """Point ``environment`` at a display; returns it if it was made for this game."""
    if display:
        environment["DISPLAY"] = display
    visible = bool(environment.get("DISPLAY"))
    _require_display(visible, headless)
    if headless is False or (headless is None and visible):
        return None
    private = PrivateDisplay.start(cancelled=cancelled, mark=entry.facts["launch"])
    undo.callback(lambda: private.close(patience_for(cancelled)))
    entry.note(display=private.name)
    move_to(environment, private.name)
    return private


def _spawn(
    recipe: Recipe, profile: Path, environment: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start the game in a session of its own, so that our Ctrl-C does not reach it."""
    command = _checked_command(recipe, profile)
    try:
        output = log.open("wb")
    except OSError as error:
        raise LaunchFailed(
            f"cannot write the game's output to {log}: {error.strerror}", "choose another --out"
        ) from error
    try:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
            cwd=profile if recipe.private_profile else None,
        )  # fmt: skip
    except OSError as error:
        raise LaunchFailed(f"cannot start {recipe.program}: {error.strerror}", HINT) from error
    finally:
        output.close()


def _wait_for_window(
    tree: LaunchTree,
    display: str | None,
    timeout: float,
    log: Path,
    cancelled: Cancellation,
) -> Window:
    def check() -> None:
        cancelled.check()
        if not tree.running() and tree.process is not None:
            raise LaunchFailed(
                f"the game ended at once (exit status {tree.process.returncode}): {_tail(log)}",
                f"its output is in {log}",
            )

    def find() -> Window:
        return cancelled.until(lambda: tree.window(display))

    window = settled_window(find, check, timeout, cancelled.wait)
    if window is None:
        raise LaunchFailed(
            f"the game showed no window within {timeout:.0f} s: {_tail(log)}",
            f"its output is in {log}",
        )
    return window


def _tail(log: Path) -> str:
    """The last line that the game wrote."""
    lines = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
