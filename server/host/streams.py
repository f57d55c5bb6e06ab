"""Standard streams that cannot end or hold up what writes to them.

Whoever reads our stderr may go (``2>&1 | head -1``), stop reading (a pager), or have no room
(``/dev/full``); a game that is being played must not notice.  So lines for stderr go into a queue
that is bounded, and a thread of their own writes them.  What comes out on stdout is a
command's result: it is written at once, and where it cannot be, that is an error.
"""

from __future__ import annotations

import atexit
import io
import os
import queue
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_WAITING = 4096
"""Writes that wait; what comes then is lost, and counted."""
SETTLE_S = 1.0
"""So long a result, or the process's end, waits for lines that nobody takes."""
_POLL_S = 0.005


class Outlet(io.TextIOBase):
    """Text for a stream: ``write`` never raises and never waits.

    Args:
        stream: Does both, and is used by nobody else any more.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        stream.flush()
        self._stream = stream  # without which its file would be closed
        # Past its buffer, whose lock, held by a write that waits, would stop the process's end.
        self._raw: Any = getattr(stream.buffer, "raw", stream.buffer)
        self._waiting: queue.Queue[bytes] = queue.Queue(MOST_WAITING)
        self._lost = 0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As of the stream."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Have a text written, or count it as lost."""
        data = text.encode(self.encoding, "backslashreplace")
        with self._lock:
            if self._lost:
                data = f"nitropilot: {self._lost} lines of the log were lost here\n".encode() + data
            try:
                self._waiting.put_nowait(data)
            except queue.Full:
                self._lost += 1
            else:
                self._lost = 0
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._write_all, name="nitropilot-stderr", daemon=True
                )
                self._thread.start()
        return len(text)

    def flush(self) -> None:
        """Nothing: who flushes after every line would wait after every line."""

    def settle(self, seconds: float = SETTLE_S) -> None:
        """Wait until all is written, or nobody has taken anything for so long."""
        deadline, left = time.monotonic() + seconds, self._waiting.unfinished_tasks
        while (now := self._waiting.unfinished_tasks) and time.monotonic() < deadline:
            if now < left:
                deadline, left = time.monotonic() + seconds, now
            time.sleep(_POLL_S)

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Always."""
        return True

    def _write_all(self) -> None:
        while True:
            data = self._waiting.get()
            with suppress(OSError, ValueError):  # who reads has gone, or has no room
                self._write_out(data)
            self._waiting.task_done()

    def _write_out(self, data: bytes) -> None:
        while data:
            written = self._raw.write(data)
            if not written:  # another program has made the stream one that does not wait
                time.sleep(_POLL_S)
            data = data[written or 0 :]


class Results:
    """Text for stdout; what it cannot take is an error of ours.  That the reader has gone is the
    reader's decision, and stays a ``BrokenPipeError``.

    Args:
        stream: Does everything else.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """As of the stream."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As every text stream.

        Raises:
            NitroPilotError: There is no room, or the like.
        """
        with _named():
            return self._stream.write(text)

    def flush(self) -> None:
        """As every text stream.

        Raises:
            NitroPilotError: There is no room, or the like.
        """
        with _named():
            self._stream.flush()


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise NitroPilotError(
            f"cannot print the result: {error.strerror}",
            "free some room, or send the output elsewhere",
        ) from None


def guard_streams() -> None:
    """Make stdout and stderr such streams; what their encoding lacks is printed in escapes.

    Harmless where they are something else already, as in tests.
    """
    _open_closed_ones()
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")
        sys.stdout = cast("TextIO", Results(out))
    guard_stderr()


def guard_stderr() -> None:
    """The same for stderr alone."""
    errors = sys.stderr
    if isinstance(errors, io.TextIOWrapper):
        sys.stderr = outlet = Outlet(errors)
        atexit.register(outlet.settle)


def _open_closed_ones() -> None:
    """After ``2>&-`` the next file that is opened would be stderr, a game's page say."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def settle_stderr() -> None:
    """Let what was said before a result come before it on a terminal."""
    if isinstance(sys.stderr, Outlet):
        sys.stderr.settle()


def finish_stdout() -> None:
    """Have the last of a result written.

    Raises:
        BrokenPipeError: Whoever read it has gone.
        NitroPilotError: There is no room, or the like.
    """
    try:
        sys.stdout.flush()
    except (NitroPilotError, OSError):
        # What is left in the buffer is tried again at the interpreter's end, which must not fail.
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, sys.stdout.fileno())
        raise
