"""``Mailbox``: what one thread reads and others write to, with waits that end.

``queue.SimpleQueue`` would do, but that of CPython 3.11 and 3.12 may wait for ever in a ``get``
with a timeout: it reckons what is left of the time after it has looked once, and where that is
less than nothing, because the system gave the processor to others meanwhile, it waits without a
limit.  ``queue.Queue`` has no such fault, but a signal's handler may not put into it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Letters in the order in which they came.

    ``put``, ``get_nowait`` and ``len`` are for any thread and for signal handlers; ``get`` is for
    one thread, for only one is woken.
    """

    def __init__(self) -> None:
        self._letters: deque[T] = deque()
        self._flag = threading.Lock()  # free when there may be something to read
        self._flag.acquire()

    def __len__(self) -> int:
        """How many letters wait."""
        return len(self._letters)

    def put(self, letter: T) -> None:
        """Never waits."""
        self._letters.append(letter)
        try:
            self._flag.release()
        except RuntimeError:  # it is free, and nobody has looked since
            return

    def get_nowait(self) -> T:
        """The oldest letter.

        Raises:
            queue.Empty: There is none.
        """
        try:
            return self._letters.popleft()
        except IndexError:
            raise queue.Empty from None

    def get(self, timeout: float | None = None) -> T:
        """The oldest letter, as soon as there is one.

        Args:
            timeout: Seconds to wait for it at most; nothing and less only look.

        Raises:
            queue.Empty: None came in that time.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return self._letters.popleft()
            except IndexError:
                left = -1.0 if end is None else max(end - time.monotonic(), 0.0)
                if not self._flag.acquire(timeout=left):
                    return self.get_nowait()
