"""Programs whose time is ours: compiled here, started with the library, ended with the test."""

from __future__ import annotations

import os
import queue
import shlex
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.layout import CLOCK_VARIABLE
from nitropilot.controller.pads.shim_build import build_shim, find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
PATIENCE_S = 30.0
"""After which something hangs for good."""


def clock_environment(page: ClockPage) -> dict[str, str]:
    """What a program is started with whose time is on ``page``."""
    return {**os.environ, "LD_PRELOAD": str(build_shim()), CLOCK_VARIABLE: str(page.path)}


class Talker:
    """A program that answers a line with a line."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def tell(self, request: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()

    def hear(self) -> list[float]:
        return [float(word) for word in self._lines.get(timeout=PATIENCE_S).split()]

    def rest(self) -> list[str]:
        """All that it has said, once it has ended."""
        self._reader.join()
        return list(self._lines.queue)

    def silent(self, seconds: float) -> bool:
        """Whether it says nothing for so long."""
        with suppress(queue.Empty):
            self._lines.get(timeout=seconds)
            return False
        return True

    def ask(self, request: str) -> list[float]:
        self.tell(request)
        return self.hear()

    def close(self) -> None:
        self.process.kill()
        self._reader.join()
        with self.process:
            pass


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles a program of this folder: its name, and what else the compiler is told."""
    if sys.platform != "linux":
        pytest.skip("the preloaded clock is for Linux")
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no C compiler to build the preload library")
    folder = tmp_path_factory.mktemp("clock")

    def compile_one(name: str, *more: str) -> Path:
        program = folder / "-".join([name, *(word.strip("-:/") for word in more)]).replace("/", "_")
        if not program.exists():
            command = [*shlex.split(compiler), "-O1", "-w", HERE / f"{name}.c", "-o", program]
            subprocess.run([*command, *more], check=True)
        return program

    return compile_one


@pytest.fixture
def page() -> Iterator[ClockPage]:
    made = ClockPage.create()
    yield made
    made.close()
    made.unlink()


@pytest.fixture
def waits(compiled: Callable[..., Path], page: ClockPage) -> Iterator[Talker]:
    """``waits.c`` with its time on ``page``."""
    child = Talker([str(compiled("waits", "-lpthread", "-ldl"))], clock_environment(page))
    yield child
    child.close()
