"""The pipe to a hand, written to by a process that must never wait for it.

A hand that is stopped reads nothing.  What is written to it then may fill the pipe, and whoever
writes has to be told so instead of being held up: others of the same process still have to beat,
to count its silence, and to end it.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from contextlib import suppress
from typing import IO, Protocol

from nitropilot.mailbox import Mailbox

FULL_S = 0.1
"""How long a full pipe may take to have room again."""
MOST_BEHIND = 1 << 16
"""Bytes that may wait for a thread that writes: what a pipe of Linux holds."""
LOOK_S = 0.002


class Pipe(Protocol):
    """A pipe's end; not for two threads at once."""

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            OSError: Nobody reads: it is full, or broken.
            ValueError: It is closed.
        """

    def close(self) -> None:
        """Nothing more comes.  Never waits; safe to call twice."""


def open_pipe(stream: IO[bytes]) -> Pipe:
    """The way of writing to ``stream``, unbuffered, that this system has."""
    return ThreadedPipe(stream) if sys.platform == "win32" else NonblockingPipe(stream)


class NonblockingPipe:
    """For systems whose pipes can be told not to wait."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._rest = b""
        if sys.platform != "win32":
            os.set_blocking(stream.fileno(), False)

    def write(self, data: bytes) -> None:
        """As ``Pipe``; of what was begun the rest comes first."""
        self._rest = self._push(self._rest)
        if not self._rest:
            left = self._push(data)
            if not left:
                return
            self._rest = left if len(left) < len(data) else b""
        raise BlockingIOError("the pipe is full")

    def _push(self, data: bytes) -> bytes:
        """Write what there is room for; what is left of it."""
        while data:
            try:
                data = data[os.write(self._stream.fileno(), data) :]
            except BlockingIOError:
                if not select.select([], [self._stream], [], FULL_S)[1]:
                    break
        return data

    def close(self) -> None:
        """As ``Pipe``."""
        self._stream.close()


class ThreadedPipe:
    """For Windows: a thread of its own waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._jobs: Mailbox[bytes | None] = Mailbox()
        self._put = self._written = 0
        self._broken: OSError | None = None
        self._closed = False
        threading.Thread(target=self._work, name="nitropilot-pipe", daemon=True).start()

    def write(self, data: bytes) -> None:
        """As ``Pipe``; that it is broken is known from the write after that on."""
        end = time.monotonic() + FULL_S
        while self._put - self._written > MOST_BEHIND and self._broken is None:
            if time.monotonic() > end:
                raise BlockingIOError("the pipe is full")
            time.sleep(LOOK_S)
        if self._broken is not None:
            raise self._broken
        if self._closed:
            raise ValueError("the pipe is closed")
        self._put += len(data)
        self._jobs.put(data)

    def close(self) -> None:
        """As ``Pipe``; what waits is still written, if anybody reads it."""
        self._closed = True
        self._jobs.put(None)

    def _work(self) -> None:
        while (data := self._jobs.get()) is not None:
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self._stream.fileno(), view) :]
            except OSError as error:
                self._broken = error
                break
            self._written += len(data)
        with suppress(OSError):
            self._stream.close()
