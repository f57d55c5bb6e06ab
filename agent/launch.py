"""Start a game with the preloaded pad, on the player's display or a private one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

import capture
from agent.display import PrivateDisplay
from agent.errors import LaunchFailed
from capture.errors import AmbiguousWindow, WindowNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.recipes import Recipe
    from capture import Window
    from controller.pad_page import PadPage

WINDOW_TIMEOUT_S = 60.0
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
    """

    recipe: Recipe
    process: subprocess.Popen[bytes]
    window: Window
    page: PadPage | None
    display: PrivateDisplay | None
    profile: Path | None

    def close(self) -> None:
        """End the game and the private display, and remove its profile.  Safe to call twice."""
        _end_tree(self.process)
        if self.display is not None:
            self.display.close()
        if self.page is not None:
            self.page.close()
            self.page.unlink()
        if self.profile is not None:
            shutil.rmtree(self.profile, ignore_errors=True)

    def let_run(self) -> None:
        """Give up ownership: the game goes on, with a neutral pad, after this process."""
        if self.page is not None:
            self.page.close()


@dataclass
class _Start:
    """What has been made so far, so that a failure half-way leaves nothing behind."""

    undo: list[Callable[[], object]] = field(default_factory=list)

    def roll_back(self) -> None:
        for step in reversed(self.undo):
            step()


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
        ShimError: The pad library for it cannot be built (no compiler).
    """
    start = _Start()
    try:
        return _launch(start, recipe, log, display, headless, timeout)
    except BaseException:
        start.roll_back()
        raise


def _launch(
    start: _Start,
    recipe: Recipe,
    log: Path,
    display: str | None,
    headless: bool | None,
    timeout: float,
) -> LaunchedGame:
    environment = dict(os.environ)
    page = None
    if sys.platform != "win32":
        page = _make_page(start, environment)
    private = None
    if sys.platform != "win32":
        private = _private_display(start, display, headless)
    if private is not None:
        environment |= {"DISPLAY": private.name, "LIBGL_ALWAYS_SOFTWARE": "1"}
        environment |= {"SDL_AUDIODRIVER": "dummy", "ALSOFT_DRIVERS": "null"}
    elif display:
        environment["DISPLAY"] = display
    profile = Path(tempfile.mkdtemp(prefix="nitropilot-profile-"))
    start.undo.append(lambda: shutil.rmtree(profile, ignore_errors=True))
    if recipe.private_profile:
        _use_profile(environment, profile)
    environment |= recipe.environment
    process = _spawn(recipe, profile, environment, log)
    start.undo.append(lambda: _end_tree(process))
    window = _wait_for_window(process, environment.get("DISPLAY"), timeout, log)
    return LaunchedGame(recipe, process, window, page, private, profile)


def _make_page(start: _Start, environment: dict[str, str]) -> PadPage:
    from controller.pad_page import PadPage
    from controller.sdl_pad import launch_environment

    page = PadPage.create()
    start.undo.extend((page.unlink, page.close))
    environment.update(launch_environment(page))
    return page


def _private_display(
    start: _Start, display: str | None, headless: bool | None
) -> PrivateDisplay | None:
    visible = bool(display or os.environ.get("DISPLAY"))
    if headless is False and not visible:
        raise LaunchFailed(
            "there is no display", "set DISPLAY, or allow a private one (--headless)"
        )
    if headless is False or (headless is None and visible):
        return None
    private = PrivateDisplay.start()
    start.undo.append(private.close)
    return private


def _use_profile(environment: dict[str, str], profile: Path) -> None:
    """Point HOME and the XDG folders into ``profile``: real saves stay untouched."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        environment.pop(name, None)
    runtime = profile / "run"
    runtime.mkdir(mode=0o700)
    environment |= {"HOME": str(profile), "XDG_RUNTIME_DIR": str(runtime)}


def _spawn(
    recipe: Recipe, profile: Path, environment: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start the game in a session of its own, so that our Ctrl-C does not reach it."""
    command = [recipe.program, *recipe.arguments(profile)]
    try:
        with log.open("wb") as output:
            return subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
                cwd=profile if recipe.private_profile else None,
            )  # fmt: skip
    except OSError as error:
        raise LaunchFailed(f"cannot start {recipe.program}: {error.strerror}") from error


def _wait_for_window(
    process: subprocess.Popen[bytes], display: str | None, timeout: float, log: Path
) -> Window:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LaunchFailed(
                f"the game ended at once (exit status {process.returncode}): {_tail(log)}",
                f"its output is in {log}",
            )
        try:
            return capture.find_window(pid=process.pid, display=display)
        except WindowNotFound:
            time.sleep(0.1)
        except AmbiguousWindow as error:
            return max(error.candidates, key=lambda w: w.rect.width * w.rect.height)
    raise LaunchFailed(
        f"the game showed no window within {timeout:.0f} s: {_tail(log)}",
        f"its output is in {log}",
    )


def _tail(log: Path) -> str:
    """The last line that the game wrote."""
    lines = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")


def _end_tree(process: subprocess.Popen[bytes], patience: float = 3.0) -> None:
    """End a process and its descendants: politely, then not."""
    try:
        root = psutil.Process(process.pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        tree = []
    for act in ("terminate", "kill"):
        for member in tree:
            try:
                getattr(member, act)()
                member.resume()
            except psutil.Error:
                continue
        _, tree = psutil.wait_procs(tree, timeout=patience)
    process.wait()
