"""Programs in C that wait for the pad in every way there is, in 64 and in 32 bits."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.pads.preload import narrow_library
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from tests.controller.shim.conftest import NOT_NARROW

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.pads.pad_page import PadPage

SOURCE = Path(__file__).with_name("programs") / "waits.c"
WAYS = (
    "read", "readv", "system call", "poll", "ppoll", "select", "pselect", "epoll", "epoll_pwait",
)  # fmt: skip
CHECKED = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2")
"""What distributions build with: other names of the same functions."""


def start(program: Path, way: str, page: PadPage) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [program, way], env={**os.environ, **launch_environment(page)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def wakes(program: Path, way: str, page: PadPage) -> str:
    """What a program reads that waits while A is pressed."""
    with start(program, way, page) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "Microsoft X-Box 360 pad\n"
            page.write(GamepadState(buttons=Button.A))
            return process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("way", WAYS)
def test_a_press_ends_the_wait(way: str, page: PadPage, compiled: Callable[..., Path]) -> None:
    """A real descriptor is one that the kernel wakes for, however it is waited for."""
    assert wakes(compiled(SOURCE.read_text(), *CHECKED), way, page) == "48 1:304:1 0:0:0"


@pytest.mark.parametrize("way", ["read", "system call", "select", "epoll"])
def test_in_32_bits(way: str, page: PadPage, compiled: Callable[..., Path]) -> None:
    """Events have another size there, and files other calls."""
    if narrow_library() is None:
        pytest.skip(NOT_NARROW)
    program = compiled(SOURCE.read_text(), "-m32", *CHECKED)
    assert wakes(program, way, page) == "32 1:304:1 0:0:0"


def test_a_signal_handler_may_read(page: PadPage, compiled: Callable[..., Path]) -> None:
    """A lock that the interrupted read holds would stop the game for ever."""
    with start(compiled(SOURCE.read_text()), "alarms", page) as process:
        over = threading.Event()

        def press() -> None:
            while not over.is_set():
                page.write(GamepadState(buttons=Button.A))
                page.write(NEUTRAL)

        presser = threading.Thread(target=press)
        presser.start()
        try:
            assert process.stdout is not None
            assert process.stdout.read() == "done\n"
            assert process.wait() == 0
        finally:
            over.set()
            presser.join()
            process.kill()


def test_nothing_is_written_into_what_was_never_ours(
    page: PadPage, compiled: Callable[..., Path]
) -> None:
    """A program that closes all numbers gets them again for files of its own."""
    with start(compiled(SOURCE.read_text()), "service", page) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            for _ in range(20):
                page.write(GamepadState(buttons=Button.A))
                page.write(NEUTRAL)
            assert process.communicate("go\n")[0] == "done\n"
        finally:
            process.kill()
