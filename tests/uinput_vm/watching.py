"""What the guest watches: processes of this package, the kernel's list of pads, a game's view.

The machine is emulated, and Python's imports alone take a process there half a minute beside a busy
host: so processes are forked from the guest's own, which has their imports behind it.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

assert sys.platform == "linux"

CHANGE_TIMEOUT_S = 10.0
MOST_FILES = 1024
DEVICE_LIST = Path("/proc/bus/input/devices")
PAD_NAME = 'Name="Microsoft X-Box 360 pad"'

Facts = dict[str, Any]


def become(act: Callable[[], object]) -> Callable[[], None]:
    """For ``preexec_fn``: what the fork does, with its pipes in place, and nothing after it."""

    def run() -> None:
        os.closerange(3, MOST_FILES)  # what is this process's own; ``Popen`` takes it for a start
        sys.stdin, sys.stdout = (
            os.fdopen(0, closefd=False),
            os.fdopen(1, "w", buffering=1, closefd=False),
        )
        status = 1
        try:
            status = int(act() or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    return run


class Helper:
    """A module of this package in its own process, asked line by line."""

    def __init__(self, module: str) -> None:
        self.process = subprocess.Popen(
            [module], executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, preexec_fn=become(lambda: _main_of(module)()),
        )  # fmt: skip
        self.greeting = self.read()

    def read(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")
        return line.strip()

    def ask(self, order: str) -> str:
        """Its answer to a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        return self.read()


def _main_of(module: str) -> Callable[[], object]:
    main: Callable[[], object] = importlib.import_module(f"tests.uinput_vm.{module}").main
    return main


def pads() -> int:
    """How many pads as ours the kernel lists."""
    return DEVICE_LIST.read_text().count(PAD_NAME)


def seconds_until(so: Callable[[], bool], patience: float = CHANGE_TIMEOUT_S) -> float | None:
    """How long something takes to be so; None if it is not in time."""
    start = time.monotonic()
    while time.monotonic() - start < patience:
        if so():
            return time.monotonic() - start
        time.sleep(0.005)
    return None


def wait_for_change(reader: Helper, before: Facts) -> Facts:
    """The first state that differs from ``before``, or the last one seen in time."""
    deadline = time.monotonic() + CHANGE_TIMEOUT_S
    while True:
        now: Facts = json.loads(reader.ask("state"))
        if now != before or time.monotonic() > deadline:
            return now
        time.sleep(0.01)
