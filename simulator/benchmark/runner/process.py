"""``Child``: the parent's end of a process of ours, which never makes the parent wait.

Threads write to it and read from it: one that reads nothing, says nothing or never ends holds
nobody up.  It is a session of its own, so that it and all that it started can be ended together.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nitropilot.children import module_command, module_environment
from nitropilot.engines.errors import WireError
from nitropilot.mailbox import Mailbox
from nitropilot.simulator.benchmark.policies.wire import receive, send
from nitropilot.simulator.benchmark.runner.errors import RunFailed

if TYPE_CHECKING:
    from typing import BinaryIO

    Message = dict[str, Any] | None
    Letters = Mailbox[tuple["Child | None", "Message"]]

KEPT_LINES = 20
LINE = 400


class Child:
    """One process.

    Args:
        module: What it runs.
        box: Where what it says is put, with this child; None when it has ended.

    Raises:
        RunFailed: The system does not let us start it.
    """

    def __init__(self, module: str, box: Letters) -> None:
        self._box = box
        self._out: Mailbox[Message] = Mailbox()
        self._said: deque[str] = deque(maxlen=KEPT_LINES)
        try:
            self._process = subprocess.Popen(
                module_command(module),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=module_environment(),
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise RunFailed(
                f"no process can be started: {error.strerror}", "run fewer at once with --jobs"
            ) from error
        process = self._process
        assert process.stdin and process.stdout and process.stderr
        work = ((self._write, process.stdin), (self._read, process.stdout),
                (self._listen, process.stderr))  # fmt: skip
        self._threads = [
            threading.Thread(target=each, args=(pipe,), name="nitropilot-child", daemon=True)
            for each, pipe in work
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Tell it something; one that has ended hears nothing.  Does not wait."""
        self._out.put(message)

    def obituary(self) -> str:
        """How it ended and what it said last, in one line; for one that has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._threads[2].join(1)
        status = self._process.poll()
        if status is None:
            how = "its pipe ended"
        elif status < 0:
            how = f"its process was ended by {_signal(-status)}"
        else:
            how = f"its process ended with status {status}"
        return f"{how}: {self._said[-1]}" if self._said else how

    def close(self, grace: float) -> bool:
        """End it, and all that it started.

        Args:
            grace: Seconds in which it may end by itself.

        Returns:
            Whether it did.
        """
        self._out.put(None)
        try:
            self._process.wait(grace)
            alone = True
        except subprocess.TimeoutExpired:
            alone = False
        self._kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(1)
        return alone

    def _kill(self) -> None:
        """Also after its end: what it started may be there still."""
        if sys.platform == "win32":
            self._process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _write(self, pipe: BinaryIO) -> None:
        with suppress(OSError), pipe:
            while (message := self._out.get()) is not None:
                send(pipe, message)

    def _read(self, pipe: BinaryIO) -> None:
        with pipe:
            try:
                while (message := receive(pipe)) is not None:
                    self._box.put((self, message))
            except WireError as error:
                self._said.append(f"it said what is no message: {error}")
        self._box.put((self, None))

    def _listen(self, pipe: BinaryIO) -> None:
        with pipe:
            for line in iter(lambda: pipe.readline(2**16), b""):
                if text := line.decode("utf-8", "replace").strip():
                    self._said.append(text[:LINE])


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
