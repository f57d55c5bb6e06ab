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
import time
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
LOOK_S = 0.01
"""How often to look whether it has ended."""
OBITUARY_S = 5.0
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
        status = self._ended(OBITUARY_S)
        self._threads[2].join(1)
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
        alone = self._ended(grace) is not None
        self._kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(1)
        return alone

    def _ended(self, seconds: float) -> int | None:
        """Its exit status, as ``Popen.returncode`` has it; None if it runs on after so long."""
        until = time.monotonic() + seconds
        while (status := self._status()) is None and time.monotonic() < until:
            time.sleep(LOOK_S)
        return status

    def _status(self) -> int | None:
        """The same at once.  It stays a zombie: until it is waited for, its number is its group's
        and nobody else's."""
        if sys.platform != "win32" and self._process.returncode is None:
            with suppress(ChildProcessError):  # somebody else has waited for it
                pid, ways = self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT
                found = os.waitid(os.P_PID, pid, ways)
                if found is None:
                    return None
                exited = found.si_code == os.CLD_EXITED
                return found.si_status if exited else -found.si_status
        return self._process.poll()

    def _kill(self) -> None:
        """Also after its end: what it started may be there still.  Once it was waited for, its
        number may be another's."""
        if sys.platform == "win32":
            self._process.kill()
        elif self._process.returncode is None:
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
