"""``Call``: a call made in a thread of its own, which whoever waits for it may give up."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Call(Generic[T]):
    """One call; some thread is to ``make`` it.

    Args:
        act: The call.
        undo: Gets what it returns when nobody waits for it any more.
    """

    def __init__(self, act: Callable[[], T], undo: Callable[[T], object] | None = None) -> None:
        self._act, self._undo = act, undo
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._abandoned = False
        self._value: list[T] = []
        self._error: BaseException | None = None

    def make(self) -> None:
        """Make it; what comes too late is undone."""
        try:
            self._value.append(self._act())
        except BaseException as error:  # noqa: BLE001 - raised in whoever waits
            self._error = error
        with self._lock:
            self._over.set()
            late = self._abandoned
        if late and self._undo is not None and self._error is None:
            with suppress(Exception):
                self._undo(self._value[0])

    @property
    def over(self) -> bool:
        """Whether it came back, in time or not."""
        return self._over.is_set()

    def comes(self, patience: float) -> bool:
        """Whether it comes back within so many seconds; it is still wanted if not."""
        return self._over.wait(patience)

    def give_up(self) -> bool:
        """Want it no more; False when it has come back already, and is the caller's."""
        with self._lock:
            self._abandoned = not self._over.is_set()
            return self._abandoned

    def result(self) -> T:
        """What it returned, or the error that it raised; for one that has come back."""
        if self._error is not None:
            raise self._error
        return self._value[0]
