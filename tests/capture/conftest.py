"""Real windows, real processes and a real window manager for capture's tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.agent.target.display import PrivateDisplay

PATIENCE_S = 60.0


def until(condition: Callable[[], Any]) -> Any:
    """Wait for a condition and return what it returned."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.01)
    return value


class Child:
    """A child process with one window, which ends when its input ends."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            arguments, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.end()
            raise AssertionError(f"{arguments} gave no window")
        self.words = line.split()
        self.handle = int(self.words[0])
        self.pid = self.process.pid

    def end(self) -> None:
        """Kill it, stopped or not, and wait for it."""
        self.process.kill()
        self.process.communicate()


class Launcher:
    """Starts programs that open one window each, and ends them after the test."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def window(self, display: str, program: str = "SomeGame", **options: Any) -> Child:
        """A program with the given executable name and an ``XWindow`` made with ``options``."""
        arguments = json.dumps({"display": display, **options})
        return self.run([self._named(program), "-m", "tests.capture.xwindow", arguments])

    def run(self, arguments: list[str], **environment: str) -> Child:
        """Any program that prints its window's handle first."""
        child = Child(arguments, self._environment | environment)
        self._stack.callback(child.end)
        return child

    def _named(self, program: str) -> str:
        """The interpreter under another name; the system then reports that name."""
        path = self._folder / program
        if not path.is_symlink():
            path.symlink_to(sys.executable)
        return str(path)


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """Starts programs with windows."""
    with ExitStack() as stack:
        yield Launcher(tmp_path, stack)


@contextmanager
def window_manager(display: str) -> Iterator[subprocess.Popen[bytes]]:
    """Openbox on a display, ready."""
    program = shutil.which("openbox")
    if program is None:
        pytest.skip("openbox is not installed")
    from nitropilot.capture.x11.connection import X11

    process = subprocess.Popen(
        [program, "--sm-disable", "--config-file", str(Path(__file__).with_name("openbox.xml"))],
        env=os.environ | {"DISPLAY": display},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with X11(display) as x:
            until(lambda: x.numbers(x.root, "_NET_CLIENT_LIST") is not None)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="package")
def managed_display() -> Iterator[PrivateDisplay]:
    """An Xvfb of its own with openbox running on it."""
    if not sys.platform.startswith("linux"):
        pytest.skip("Xvfb runs on Linux only")
    from nitropilot.agent.target.display import PrivateDisplay

    display = PrivateDisplay.start((1280, 720))
    try:
        with window_manager(display.name):
            yield display
    finally:
        display.close()
