"""Containers count processes on their own: their numbers are other processes to us."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot import capture

if not sys.platform.startswith("linux"):
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.capture.conftest import Launcher

CONTAINED = """
import os, socket, subprocess, sys
read_end, write_end = os.pipe()
options = ["-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset", *sys.argv[1:]]
server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), *options],
                          pass_fds=[write_end], stderr=subprocess.DEVNULL)
number = os.read(read_end, 16).decode().strip()
from tests.capture.xwindow import XWindow
claim = {"_NET_WM_PID": [os.getpid()]}, {"WM_CLIENT_MACHINE": socket.gethostname()}
window = XWindow(f":{number}", numbers=claim[0], texts=claim[1])
print(window.handle, number, flush=True)
sys.stdin.read()
"""
"""An X server and a window on it; prints the handle and the display's number."""


def unshared() -> list[str]:
    """The command that runs another one as the first process of a namespace of its own."""
    program = shutil.which("unshare") or "unshare"
    words = [program, "--pid", "--fork", "--kill-child"]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot make a PID namespace: {error}")
    return words


@contextmanager
def container(launcher: Launcher, *options: str) -> Iterator[tuple[str, int, int]]:
    """An X server and a game in a container: display, window and the game's process."""
    child = launcher.run([*unshared(), sys.executable, "-c", CONTAINED, *options])
    (game,) = psutil.Process(child.pid).children()
    yield f":{child.words[1]}", child.handle, game.pid


@pytest.mark.parametrize("options", [(), ("-extension", "X-Resource")], ids=["told", "claimed"])
def test_a_containers_pids_are_strangers(launcher: Launcher, options: tuple[str, ...]) -> None:
    """Process 1 of a container is not the one that we may pause under that number."""
    with container(launcher, *options) as (display, handle, pid):
        found = capture.find_window(handle=handle, display=display)
        assert (found.pid, found.executable) == (None, "")
        with pytest.raises(capture.WindowNotFound):
            capture.find_window(pid=1, display=display)
        # Whoever knows better may say whose window it is.
        named = capture.find_window(handle=handle, pid=pid, display=display)
        assert (named.pid, named.executable) == (pid, psutil.Process(pid).name())
        with capture.open_grabber(named) as grabber:
            assert grabber.grab().pixels.shape == (150, 200, 3)
        with pytest.raises(capture.WindowNotFound):
            capture.find_window(handle=handle, pid=2**22 + 1, display=display)
        # Nor does the container's server know us.
        claim = {"_NET_WM_PID": [1]}
        with XWindow(
            display, numbers=claim, texts={"WM_CLIENT_MACHINE": socket.gethostname()}
        ) as w:
            assert capture.find_window(handle=w.handle, display=display).pid is None


def test_a_contained_game_on_our_display(display: PrivateDisplay, launcher: Launcher) -> None:
    """Sandboxes of game shops: our X server knows them by the numbers that we know."""
    child = launcher.run(
        [*unshared(), sys.executable, "-m", "tests.capture.xwindow",
         f'{{"display": "{display.name}", "numbers": {{"_NET_WM_PID": [1]}}}}'],
    )  # fmt: skip
    (game,) = psutil.Process(child.pid).children()
    assert capture.find_window(handle=child.handle, display=display.name).pid == game.pid


def test_our_own_container(display: PrivateDisplay, launcher: Launcher) -> None:
    """A daemon in a container with the desktop's X server let in sees the desktop's numbers."""
    child = launcher.window(display.name, numbers={"_NET_WM_PID": [1]})
    code = "from nitropilot import list_windows as f; print({w.handle: w.pid for w in f()})"
    words = [*unshared(), sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, check=True, text=True)
    assert f"{child.handle}: None" in done.stdout
