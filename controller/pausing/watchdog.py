"""``Watchdog``: the near end of the process that lets the game run if we die.

The other end is ``controller.pausing.watchdog_main``.  It notices our death because the
pipe to its stdin closes, so no other process may hold that pipe: programs that
we start do not inherit it, and a fork of this process closes its copy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from nitropilot.children import IMPORT_ROOT, module_command, module_environment
from nitropilot.controller.errors import ProcessGone, WatchdogError
from nitropilot.controller.pausing.watchdog_main import FREEZING, GOODBYE, READY, RELEASED, THAWED

if TYPE_CHECKING:
    from types import TracebackType

FREEZE_LIMIT_S = 30.0
START_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 5.0
_RESTART = "stop the session and start it again"


class Watchdog:
    """A running watchdog process; make one with ``start``.  Thread-safe."""

    def __init__(self, process: subprocess.Popen[bytes], freeze_limit: float) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._freeze_limit = freeze_limit
        self._lock = threading.Lock()
        self._closed = False
        self._answered = threading.Event()
        self._ready = False
        self._released = False
        self._complaint = ""
        self._reader = threading.Thread(
            target=self._read, args=(process.stdout,), name="watchdog-reader", daemon=True
        )
        if sys.platform != "win32":
            os.set_blocking(process.stdin.fileno(), False)
        _open.add(self)
        self._reader.start()

    @classmethod
    def start(
        cls, pid: int, *, page: Path | None = None, freeze_limit: float = FREEZE_LIMIT_S
    ) -> Watchdog:
        """Start guarding process ``pid``; returns when the guard stands.

        Args:
            pid: Root of the game's process tree.
            page: The pad page to make neutral before the game runs again.
            freeze_limit: Seconds after ``freezing`` without ``thawed`` until the
                watchdog lets the game run although we live.

        Raises:
            WatchdogError: The watchdog process did not come up.
            ProcessGone: No process ``pid`` runs.
        """
        try:
            game = psutil.Process(pid)
        except psutil.NoSuchProcess:
            raise _gone(pid) from None
        words = [str(pid), repr(freeze_limit), *([] if page is None else [str(page.absolute())])]
        try:
            process = subprocess.Popen(
                module_command("nitropilot.controller.pausing.watchdog_main", *words),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                cwd=IMPORT_ROOT, env=module_environment(),
                start_new_session=True, creationflags=_creation_flags(),
            )  # fmt: skip
        except OSError as error:
            raise WatchdogError(
                f"cannot start {sys.executable}: {error.strerror}",
                "close other programs, or install NitroPilot again if that file is gone",
            ) from error
        watchdog = cls(process, freeze_limit)
        try:
            watchdog._await_ready()
            # It was the same process before and after the watchdog looked: no reused id.
            if not game.is_running():
                raise _gone(pid)
        except BaseException:
            watchdog.close()
            raise
        return watchdog

    @property
    def pid(self) -> int:
        """Id of the watchdog process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the watchdog process runs."""
        return not self._closed and self._process.poll() is None

    def check(self) -> None:
        """Do nothing while the guard stands.

        Raises:
            WatchdogError: It has ended, or it had to let the game run.
        """
        if self._released:
            raise WatchdogError(
                f"the game was frozen for more than {self._freeze_limit:g} s, "
                "so the watchdog let it run",
                f"the policy may be too slow or hang; {_RESTART}",
            )
        if self._closed:
            raise WatchdogError("the watchdog was dismissed", _RESTART)
        if (status := self._process.poll()) is not None:
            raise WatchdogError(f"the watchdog has ended (exit status {status})", _RESTART)

    def freezing(self) -> None:
        """Announce a freeze; call it before the game is stopped.

        Raises:
            WatchdogError: Nobody would resume the game.
        """
        self.check()
        if not self._send(FREEZING):
            raise WatchdogError("the watchdog does not listen", _RESTART)

    def thawed(self) -> None:
        """Announce that the game runs again; harmless when the watchdog is gone."""
        self._send(THAWED)

    def close(self) -> None:
        """Dismiss the watchdog.  Safe to call twice."""
        if self._closed:
            return
        self._send(GOODBYE)
        with self._lock:
            self._closed = True
            self._stdin.close()
        try:
            self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_TIMEOUT_S)
        _open.discard(self)

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, word: bytes) -> bool:
        """Hand over one line without waiting; False when nobody takes it."""
        with self._lock:
            if self._closed:
                return False
            try:
                os.write(self._stdin.fileno(), word + b"\n")
            except OSError:
                return False
            return True

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                word = line.strip()
                if word == RELEASED:
                    self._released = True
                elif word == READY:
                    self._ready = True
                    self._answered.set()
                else:
                    self._complaint = word.decode(errors="replace")
        self._answered.set()

    def _await_ready(self) -> None:
        if not self._answered.wait(START_TIMEOUT_S):
            raise WatchdogError(
                f"the watchdog was not ready within {START_TIMEOUT_S:g} s", "try again"
            )
        if not self._ready:
            reason = self._complaint or "its message is on standard error"
            raise WatchdogError(f"the watchdog ended before it was ready: {reason}", "try again")


_open: weakref.WeakSet[Watchdog] = weakref.WeakSet()


def _close_in_fork() -> None:
    for watchdog in _open:
        watchdog._lock = threading.Lock()  # a thread that is not in this process may hold it
        watchdog._closed = True
        watchdog._stdin.close()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_in_fork)


def _creation_flags() -> int:
    """Outlive a Ctrl-C or the closing of our console.

    ``DETACHED_PROCESS`` would do the same, but in a virtual environment, whose
    python.exe starts the real one, it makes a console window pop up.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return flags


def _gone(pid: int) -> ProcessGone:
    return ProcessGone(f"process {pid} is not running", "start the game and choose it again")
