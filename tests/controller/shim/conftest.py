"""A page, and programs that are preloaded with its pad."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.pads.shim_build import find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
NOT_NARROW = (
    "no compiler for 32-bit programs"
    if platform.machine() == "x86_64"
    else "this processor runs no 32-bit programs of x86"
)
"""Why there is no library for them."""
MISSING = (
    "the preloaded pad is for Linux"
    if sys.platform != "linux"
    else "no C compiler to build the preload library"
    if find_compiler() is None
    else ""
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if MISSING and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=MISSING))


class Console:
    """The program ``console.py``, answering one line of Python at a time."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "console.py")], env={**os.environ, **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, line: str) -> Any:
        """Have it evaluate a line."""
        self.send(line)
        return self.hear()

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the program ended: {self.close()}"
        return json.loads(line)

    def close(self) -> str:
        """End it; what it wrote to stderr."""
        if self.process.poll() is None:
            self.process.kill()
        return self.process.communicate()[1]


@pytest.fixture
def page() -> Iterator[PadPage]:
    page = PadPage.create()
    yield page
    page.close()
    page.unlink()


@pytest.fixture
def console(page: PadPage) -> Iterator[Console]:
    console = Console(launch_environment(page))
    yield console
    console.close()


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., Path]:
    """Compiles C: the source's text, and arguments of the compiler."""

    def compile_source(source: str, *arguments: str, name: str = "made") -> Path:
        file, made = tmp_path / f"{name}.c", tmp_path / name
        file.write_text(source)
        compiler = shlex.split(find_compiler() or "")
        subprocess.run([*compiler, "-O2", file, "-o", made, *arguments], check=True)
        return made

    return compile_source


NO_THREADS = """
#include <errno.h>
int pthread_create(void *a, void *b, void *c, void *d)
{ (void)a; (void)b; (void)c; (void)d; return EAGAIN; }
"""


@pytest.fixture
def without_threads(page: PadPage, compiled: Callable[..., Path]) -> Iterator[Console]:
    """A program that may start no thread: nothing comes to its pad but what it asks for."""
    library = compiled(NO_THREADS, "-shared", "-fPIC", name="nothreads.so")
    environment = launch_environment(page)
    environment["LD_PRELOAD"] += f":{library}"
    console = Console(environment)
    yield console
    console.close()
