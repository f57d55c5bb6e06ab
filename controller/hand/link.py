"""``Link``: the process of a hand, the pipes to it, and the beats by which each knows the other."""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil

from nitropilot.children import IMPORT_ROOT, module_command, module_environment
from nitropilot.controller.errors import ControllerError, HandError
from nitropilot.controller.hand.pipe import FULL_S, open_pipe
from nitropilot.controller.hand.protocol import BEAT_S, decode, encode, error_of
from nitropilot.controller.processes import State, state

if TYPE_CHECKING:
    from collections.abc import Callable

SILENT_BEATS = 60
"""So many beats without an answer (1.5 s in which this side did run) and the hand stands still:
a busy machine does not hold one up for so long.  One that was stopped is found at once."""
START_TIMEOUT_S = 30.0
LOOK_S = 0.1
"""How often it is looked whether a hand that starts is still wanted."""
END_TIMEOUT_S = 5.0
MOST_READ = 1 << 16
_RESTART = "stop the session and start it again"
_log = logging.getLogger(__name__)


class Link:
    """Talks to one hand.  Thread-safe.

    Args:
        process: The hand's, with pipes.
        heard: Gets every message but answers and beats, in the reader's thread.
        died: Called once, in the reader's thread, when the hand is gone without a goodbye.

    Attributes:
        computing: Whether the engine computes, which keeps a freeze going.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        heard: Callable[[list[Any]], None],
        died: Callable[[], None],
    ) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.computing = False
        self._process = process
        self._pipe, self._stdout = open_pipe(process.stdin), process.stdout
        self._heard, self._died = heard, died
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._asked: dict[int, _Answer] = {}
        self._first = _Answer()
        self._unanswered = 0
        self._stopped = self._closing = False
        self._over = threading.Event()
        _open.add(self)
        self._reader = threading.Thread(target=self._read, name="nitropilot-hand", daemon=True)
        self._beater = threading.Thread(target=self._beat, name="nitropilot-beat", daemon=True)
        self._reader.start()

    @classmethod
    def start(cls, heard: Callable[[list[Any]], None], died: Callable[[], None]) -> Link:
        """Start a hand's process; ``begin`` must follow.

        Raises:
            HandError: It cannot be started.
        """
        try:
            process = subprocess.Popen(
                module_command("nitropilot.controller.hand.main"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                cwd=IMPORT_ROOT, env=module_environment(),
                start_new_session=True, creationflags=_creation_flags(),
            )  # fmt: skip
        except OSError as error:
            raise HandError(
                f"cannot start {sys.executable}: {error.strerror}",
                "close other programs, or install NitroPilot again if that file is gone",
            ) from error
        return cls(process, heard, died)

    @property
    def pid(self) -> int:
        """Id of the hand's process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the hand is there."""
        return not self._over.is_set() and self._process.poll() is None

    def begin(self, facts: dict[str, Any], check: Callable[[], None]) -> dict[str, Any]:
        """Say what to hold; what the hand says when it holds it.

        Args:
            facts: As ``Beginning`` has them.
            check: Called again and again meanwhile; what it raises ends the hand.

        Raises:
            ControllerError: It does not; the error is its own.
        """
        try:
            self.send("begin", facts)
            ready: dict[str, Any] = self._first.wait(START_TIMEOUT_S, "was not ready", check)
        except BaseException:
            self.kill()  # it has pressed and frozen nothing, and may be long in saying goodbye
            raise
        self._beater.start()
        return ready

    def send(self, *message: Any) -> None:
        """Say something, without waiting for more than a full pipe.

        Raises:
            HandError: It does not listen.
        """
        data = encode(*message)
        try:
            with self._lock:
                self._pipe.write(data)
        except (OSError, ValueError) as error:  # ValueError: it is closed
            raise HandError("the game's hand does not listen", _RESTART) from error

    def ask(self, word: str, *rest: Any, timeout: float) -> Any:
        """Say something and wait for the answer to it.

        Raises:
            ControllerError: It could not be done; or there was no answer (``HandError``).
        """
        number = next(self._ids)
        answer = self._asked[number] = _Answer()
        try:
            if self._over.is_set():
                raise self.gone()
            self.send(word, number, *rest)
            return answer.wait(timeout, f"did not answer ({word})")
        finally:
            self._asked.pop(number, None)

    def gone(self) -> HandError:
        """The error that says that the hand is not there any more."""
        status = self._process.poll()
        return HandError(f"the game's hand has ended (exit status {status})", _RESTART)

    def kill(self) -> None:
        """End a hand that does not do what it should; what it held is then let go."""
        self._process.kill()

    def close(self) -> None:
        """Send the hand away.  Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        with suppress(ControllerError):
            self.ask("close", timeout=END_TIMEOUT_S)
        with self._lock:
            self._pipe.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._reader.join(END_TIMEOUT_S)

    def _read(self) -> None:
        try:
            with self._stdout, suppress(ValueError):
                rest = b""
                while part := self._stdout.read(MOST_READ):  # unbuffered: what there is
                    *lines, rest = (rest + part).split(b"\n")
                    for line in lines:
                        self._take(decode(line))
        finally:
            self._bury()

    def _bury(self) -> None:
        """Wait for the hand's end, and tell everybody; whatever it held and did not let go of is
        healed, also when it was being sent away."""
        self._process.wait()
        self._over.set()
        _open.discard(self)
        gone = self.gone()
        for answer in [self._first, *list(self._asked.values())]:
            answer.put(gone)
        if not self._closing or self._process.returncode != 0:
            self._died()

    def _take(self, message: list[Any]) -> None:
        word, *rest = message
        if word == "beat":
            self._unanswered = 0
        elif word == "ready":
            self._first.put(rest[0])
        elif word == "done":
            self._answer(rest[0], rest[1])
        elif word == "failed" and self._answer(rest[0], error_of(*rest[1:])):
            pass
        else:
            self._heard(message)

    def _answer(self, number: int, value: Any) -> bool:
        answer = self._asked.get(number) or (None if self._first.there else self._first)
        if answer is not None:
            answer.put(value)
        return answer is not None

    def _beat(self) -> None:
        for number in itertools.count():
            if self._over.wait(BEAT_S) or self._closing:
                return
            try:
                self.send("beat", number, self.computing)
            except HandError:
                self._unanswered += int(FULL_S / BEAT_S)
            self._unanswered += 1
            if self._unanswered > SILENT_BEATS or self._is_stopped():
                _log.error("the game's hand (process %d) stands still: it is ended", self.pid)
                self.kill()
                return

    def _is_stopped(self) -> bool:
        """Whether its process was stopped when it was looked at, twice, as a beat had no answer."""
        before, self._stopped = self._stopped, False
        if self._unanswered > 1:
            with suppress(psutil.Error, OSError):  # no descriptor left, say
                self._stopped = state(psutil.Process(self.pid)) is State.STOPPED
        return before and self._stopped


class _Answer:
    """A value, or an error, that another thread waits for."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._value: Any = None

    @property
    def there(self) -> bool:
        return self._there.is_set()

    def put(self, value: Any) -> None:
        if not self._there.is_set():
            self._value = value
            self._there.set()

    def wait(self, timeout: float, otherwise: str, check: Callable[[], None] | None = None) -> Any:
        deadline = time.monotonic() + timeout
        while not self._there.wait(timeout if check is None else LOOK_S):
            if check is not None:
                check()
            if check is None or time.monotonic() >= deadline:
                raise HandError(f"the game's hand {otherwise} within {timeout:g} s", _RESTART)
        if isinstance(self._value, BaseException):
            raise self._value
        return self._value


_open: weakref.WeakSet[Link] = weakref.WeakSet()


def _close_in_fork() -> None:
    """A copy of the pipe in a fork would hide our death from the hand."""
    for link in list(_open):
        link._lock = threading.Lock()  # a thread that is not in this process may hold it
        link._closing = True
        link._over.set()
        link._pipe.close()


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
