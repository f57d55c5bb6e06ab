"""Start a game with the preloaded pad, on the player's display or a private one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nitropilot import capture
from nitropilot.agent.errors import LaunchFailed
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.fair_play import refuse_protected_program
from nitropilot.capture.errors import AmbiguousWindow, WindowNotFound, WindowVanished
from nitropilot.places import home

if TYPE_CHECKING:
    from nitropilot.agent.target.recipe import Recipe
    from nitropilot.capture import Window
    from nitropilot.controller.pads.pad_page import PadPage

WINDOW_TIMEOUT_S = 60.0
SETTLED_S = 0.4
"""How long a window must stay: SDL makes its first one anew when that has to have OpenGL."""
LOG_TAIL_BYTES = 2000


@dataclass
class LaunchedGame:
    """A game that we started and may end.

    Attributes:
        recipe: What was started.
        process: The game's process.
        window: Its window when it first showed.
        page: The shared memory that feeds its pad, None where pads are devices (Windows).
        display: The private X server made for it, if any.
        profile: The throw-away folder made for it.
    """

    recipe: Recipe
    process: subprocess.Popen[bytes]
    window: Window
    page: PadPage | None
    display: PrivateDisplay | None
    profile: Path

    def close(self) -> None:
        """End the game and the private display, and remove its profile.  Safe to call twice."""
        with ExitStack() as steps:  # the last one first, each whatever became of the others
            steps.callback(shutil.rmtree, self.profile, ignore_errors=True)
            if self.page is not None:
                steps.callback(self.page.unlink)
                steps.callback(self.page.close)
            if self.display is not None:
                steps.callback(self.display.close)
            steps.callback(_end_tree, self.process)

    def let_run(self) -> None:
        """Give up ownership: the game goes on, with a neutral pad, after this process."""
        if self.page is not None:
            self.page.close()


def launch(
    recipe: Recipe,
    *,
    log: Path,
    display: str | None = None,
    headless: bool | None = None,
    timeout: float = WINDOW_TIMEOUT_S,
) -> LaunchedGame:
    """Start a game and wait for its window.

    Args:
        recipe: What to start.
        log: File that takes the game's own output.
        display: X display to use; default is the one of the environment.
        headless: True for a private Xvfb, False for never, None for one if there is no display.
        timeout: Seconds until the window must be there.

    Raises:
        LaunchFailed: It did not start, ended, or showed no window; the message holds
            the last line of its output.
        ProtectedGame: It has an anti-cheat system: see ``agent.target.fair_play``.
        ShimError: The pad library for it cannot be built (no compiler).
    """
    with ExitStack() as undo:
        launched = _launch(undo, recipe, log, display, headless, timeout)
        undo.pop_all()
    return launched


def main_window(pid: int | None, display: str | None) -> Window:
    """The window of a process or its children, the largest of several.

    Raises:
        CaptureError: It has none (yet).
    """
    try:
        return capture.find_window(pid=pid, display=display)
    except AmbiguousWindow as error:
        return max(error.candidates, key=lambda window: window.rect.width * window.rect.height)


def _launch(
    undo: ExitStack,
    recipe: Recipe,
    log: Path,
    display: str | None,
    headless: bool | None,
    timeout: float,
) -> LaunchedGame:
    environment = dict(os.environ)
    page, private = None, None
    if sys.platform != "win32":
        private = _choose_display(undo, environment, display, headless)
        page = _make_page(undo, environment)
    profile = Path(tempfile.mkdtemp(prefix="nitropilot-profile-"))
    undo.callback(shutil.rmtree, profile, ignore_errors=True)
    if recipe.private_profile:
        _use_profile(environment, profile)
    environment |= dict(recipe.environment)
    process = _spawn(recipe, profile, environment, log)
    undo.callback(_end_tree, process)
    window = _wait_for_window(process, environment.get("DISPLAY"), timeout, log)
    return LaunchedGame(recipe, process, window, page, private, profile)


def _make_page(undo: ExitStack, environment: dict[str, str]) -> PadPage:
    from nitropilot.controller.pads.pad_page import PadPage
    from nitropilot.controller.pads.sdl_pad import launch_environment

    page = PadPage.create()
    undo.callback(page.unlink)
    undo.callback(page.close)
    environment.update(launch_environment(page))
    return page


def _choose_display(
    undo: ExitStack, environment: dict[str, str], display: str | None, headless: bool | None
) -> PrivateDisplay | None:
    """Point ``environment`` at a display; returns it if it was made for this game."""
    if display:
        environment["DISPLAY"] = display
    visible = bool(environment.get("DISPLAY"))
    if headless is False and not visible:
        raise LaunchFailed(
            "there is no display", "set DISPLAY, or allow a private one (--headless)"
        )
    if headless is False or (headless is None and visible):
        return None
    private = PrivateDisplay.start()
    undo.callback(private.close)
    environment |= {"DISPLAY": private.name, "LIBGL_ALWAYS_SOFTWARE": "1"}
    environment |= {"SDL_AUDIODRIVER": "dummy", "ALSOFT_DRIVERS": "null"}
    environment.pop("WAYLAND_DISPLAY", None)  # some toolkits would rather go there
    return private


def _use_profile(environment: dict[str, str], profile: Path) -> None:
    """Point HOME and the XDG folders into ``profile``: real saves stay untouched."""
    # Without these a player's own display and sound would be out of the game's reach.
    if (ours := home()) is not None:
        environment.setdefault("XAUTHORITY", str(ours / ".Xauthority"))
    if "XDG_RUNTIME_DIR" not in environment:
        runtime = profile / "run"
        runtime.mkdir(mode=0o700)
        environment["XDG_RUNTIME_DIR"] = str(runtime)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        environment.pop(name, None)
    environment["HOME"] = str(profile)


def _spawn(
    recipe: Recipe, profile: Path, environment: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start the game in a session of its own, so that our Ctrl-C does not reach it."""
    command = recipe.command(profile)
    refuse_protected_program(command[0], command[1:])
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
        raise LaunchFailed(
            f"cannot start {recipe.program}: {error.strerror}",
            "name a program that you may run (on Linux: chmod +x)",
        ) from error
    finally:
        output.close()


def _wait_for_window(
    process: subprocess.Popen[bytes], display: str | None, timeout: float, log: Path
) -> Window:
    """The game's window, once it has been the same for a moment: see ``SETTLED_S``."""
    deadline = time.monotonic() + timeout
    found, since = None, 0.0
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LaunchFailed(
                f"the game ended at once (exit status {process.returncode}): {_tail(log)}",
                f"its output is in {log}",
            )
        try:
            window = main_window(process.pid, display)
        except (WindowNotFound, WindowVanished):
            found = None
        else:
            if window.handle != found:
                found, since = window.handle, time.monotonic()
            elif time.monotonic() - since > SETTLED_S:
                return window
        time.sleep(0.1)
    raise LaunchFailed(
        f"the game showed no window within {timeout:.0f} s: {_tail(log)}",
        f"its output is in {log}",
    )


def _tail(log: Path) -> str:
    """The last line that the game wrote."""
    lines = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")


def _end_tree(process: subprocess.Popen[bytes], patience: float = 3.0) -> None:
    """End a process and all that it started: politely, then not."""
    tree = _tree(process)
    for act in ("terminate", "kill"):
        for member in tree:
            try:
                getattr(member, act)()
                member.resume()
            except psutil.Error:
                continue
        _, tree = psutil.wait_procs(tree, timeout=patience)
    process.wait()


def _tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The process and its descendants, also those whose parents in between have ended."""
    if process.returncode is not None and psutil.pid_exists(process.pid):
        return []  # a stranger has the id by now, so nothing of ours bears it any more
    try:
        root = psutil.Process(process.pid)
        tree = {root, *root.children(recursive=True)}
    except psutil.NoSuchProcess:
        tree = set()
    if sys.platform != "win32":
        # It was started as the leader of a session, which its descendants belong to.
        tree |= {member for member in psutil.process_iter() if _session(member) == process.pid}
    return list(tree)


def _session(process: psutil.Process) -> int | None:
    session = None
    if sys.platform != "win32":
        with suppress(OSError):
            session = os.getsid(process.pid)
    return session
