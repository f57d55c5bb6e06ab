"""``nitropilot`` as a real process that has its imports behind it.

Most of what a command costs is Python's imports: one second, three with torch, and the tests
start hundreds.  One process makes them once and forks for each command: the child has a
process id, streams, environment, signals and an exit status of its own.  What it cannot show
is which modules a command imports, and what reads the environment while it is imported:
such tests start the command from nothing, as do those of starting and ending itself.

The system shows the warm process's first environment for its forks too, so ``left_running``
sees what a fork has started and not the fork itself, which is ended by whoever started it.

Where processes cannot be forked, a warm command is one that was started from nothing.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

CAN_FORK = sys.platform == "linux"


class Process(Protocol):
    """What tests ask of a process that they started."""

    @property
    def pid(self) -> int:
        """Its id."""

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, if it still runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


class WarmProcess:
    """A fork of the warm process, with the methods of ``subprocess.Popen``.

    Args:
        arguments: Of the command.
        reports: A pipe on which its process id comes, and later its exit status.
    """

    def __init__(self, arguments: tuple[str, ...], reports: int) -> None:
        self._arguments = arguments
        self._reports = open(reports, "rb", buffering=0)  # noqa: SIM115
        self.returncode: int | None = None
        self.pid = self._read()

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        return self.returncode if self._ended_within(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        if not self._ended_within(timeout):
            raise subprocess.TimeoutExpired(self._arguments, timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended in this moment
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, timeout: float | None) -> bool:
        if self.returncode is None and select.select([self._reports], [], [], timeout)[0]:
            self.returncode = self._read()
            self._reports.close()
        return self.returncode is not None

    def _read(self) -> int:
        line = self._reports.readline()
        assert line, "the warm process has ended"
        return int(line)


class _Warm:
    """The process that forks, and the socket on which it is asked to."""

    def __init__(self, root: Path) -> None:
        self.began_with = _fixed_at_start(os.environ)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm_main", str(theirs.fileno())],
            cwd=root, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        theirs.close()
        atexit.register(self.close)

    def start(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        folder: Path,
        output: IO[Any],
        errors: IO[Any],
    ) -> WarmProcess:
        """Fork."""
        request = {
            "arguments": arguments, "environment": dict(environment), "folder": str(folder),
        }  # fmt: skip
        reports, theirs = os.pipe()
        try:
            with Path(os.devnull).open("rb") as nothing:
                fds = [nothing.fileno(), output.fileno(), errors.fileno(), theirs]
                socket.send_fds(self._control, [json.dumps(request).encode()], fds)
        finally:
            os.close(theirs)
        return WarmProcess(arguments, reports)

    def close(self) -> None:
        """End it; its children live on."""
        self._control.close()
        self.process.wait()


def start(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    folder: Path,
    output: IO[Any],
    errors: IO[Any],
) -> Process:
    """Run ``nitropilot`` in a process of its own, with nothing to read.

    Args:
        arguments: Of the command.
        environment: All of its variables.
        folder: Its working folder, the project's root.
        output: Where it prints.
        errors: Where its errors go.
    """
    if CAN_FORK and _fixed_at_start(environment) == _warm(folder).began_with:
        return _warm(folder).start(arguments, environment, folder, output, errors)
    return subprocess.Popen(
        [sys.executable, "-m", "nitropilot", *arguments], env=environment, cwd=folder,
        stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
    )  # fmt: skip


def _fixed_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """What loader, C library and interpreter read when they start, which is too late for a fork."""
    read = ("PYTHON", "LD_", "LC_", "LANG")
    return {name: value for name, value in environment.items() if name.startswith(read)}


@functools.cache
def _warm(root: Path) -> _Warm:
    return _Warm(root)
