"""Calls to a window system that may never answer, each with a limit.

An X server that is stopped, swapped out, or held by a game that is frozen answers nobody, and no
call of X's libraries has a limit of its own.  So the calls are made in a thread that does nothing
else; whoever waits for it gives up, and the thread's late answer counts for nothing.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from nitropilot.capture.base import Grabber, ResponseProbe
from nitropilot.capture.errors import DisplaySilent
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.capture.frame import Frame
    from nitropilot.capture.window import Window

PATIENCE_S = 1.0
"""How long an answer may take; one that comes takes milliseconds."""
OPEN_S = 10.0
"""How long it may take to open something: several questions, and a connection."""
T = TypeVar("T")


class _Call:
    """One call, which whoever waits for it may give up."""

    def __init__(self, act: Callable[[], Any], undo: Callable[[Any], object] | None) -> None:
        self._act, self._undo = act, undo
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._abandoned = False
        self.value: Any = None
        self.error: BaseException | None = None

    def make(self) -> None:
        """Make it; what comes too late is undone."""
        try:
            self.value = self._act()
        except BaseException as error:  # noqa: BLE001 - raised in whoever waits
            self.error = error
        with self._lock:
            self._over.set()
            late = self._abandoned
        if late and self._undo is not None and self.error is None:
            with suppress(Exception):
                self._undo(self.value)

    def wait(self, patience: float) -> bool:
        """Whether it came back in time; nobody wants it any more if not."""
        self._over.wait(patience)
        with self._lock:
            self._abandoned = not self._over.is_set()
            return not self._abandoned


class BoundedCalls:
    """One thread that makes calls, one after the other.

    Args:
        display: What it calls, for messages.
    """

    def __init__(self, display: str) -> None:
        self._display = display
        self._jobs: Mailbox[_Call | None] = Mailbox()
        self._free = threading.Semaphore()
        self._thread = threading.Thread(target=self._work, name="nitropilot-display", daemon=True)
        self._thread.start()

    def call(
        self,
        act: Callable[[], T],
        patience: float | None = None,
        undo: Callable[[T], object] | None = None,
    ) -> T:
        """What ``act`` returns, or the error that it raises.

        Args:
            act: The call.
            patience: Seconds; ``PATIENCE_S`` if nothing else is said.
            undo: Gets what comes when nobody waits for it any more.

        Raises:
            DisplaySilent: It has not come back within ``patience``, or the call before has not.
        """
        patience = PATIENCE_S if patience is None else patience
        if not self._free.acquire(timeout=patience):
            raise self._silent(patience)
        call = _Call(act, undo)
        self._jobs.put(call)
        if not call.wait(patience):
            raise self._silent(patience)
        if call.error is not None:
            raise call.error
        value: T = call.value
        return value

    def end(self, last: Callable[[], object] = lambda: None) -> None:
        """Make a last call once the one before has come back, and end; waits for nothing long.

        An error of that call is nobody's.
        """
        answers = self._free.acquire(blocking=False)
        self._jobs.put(_Call(last, None))
        self._jobs.put(None)
        self._thread.join(PATIENCE_S if answers else 0)

    def _silent(self, patience: float) -> DisplaySilent:
        return DisplaySilent(
            f"the display {self._display} has not answered for {patience:g} s",
            "it may be overloaded, stopped, or held by the game; play goes on when it answers",
        )

    def _work(self) -> None:
        while (call := self._jobs.get()) is not None:
            call.make()
            del call  # it holds a picture, and the next one may be long in coming
            self._free.release()


def call_once(act: Callable[[], T], display: str, patience: float = OPEN_S) -> T:
    """What ``act`` returns, or the error that it raises; see ``BoundedCalls.call``."""
    calls = BoundedCalls(display)
    try:
        return calls.call(act, patience)
    finally:
        calls.end()


class BoundedGrabber(Grabber):
    """A grabber that waits for a picture no longer than ``PATIENCE_S``.

    Args:
        open_it: Opens the real one.
        display: What it grabs from, for messages.
    """

    def __init__(self, open_it: Callable[[], Grabber], display: str) -> None:
        self._calls = BoundedCalls(display)
        try:
            self._real = self._calls.call(open_it, OPEN_S, lambda late: late.close())
        except BaseException:
            self._calls.end()
            raise
        self._closed = False

    @property
    def window(self) -> Window:
        return self._real.window

    def grab(self) -> Frame:
        return self._calls.call(self._real.grab)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._calls.end(self._real.close)


class BoundedProbe(ResponseProbe):
    """A probe that knows nothing while the display does not answer.

    Args:
        open_it: Opens the real one.
        display: What it asks, for messages.
    """

    def __init__(self, open_it: Callable[[], ResponseProbe], display: str) -> None:
        self._calls = BoundedCalls(display)
        try:
            self._real = self._calls.call(open_it, OPEN_S, lambda late: late.close())
        except BaseException:
            self._calls.end()
            raise
        self._closed = False

    def poll(self) -> bool | None:
        try:
            return self._calls.call(self._real.poll)
        except DisplaySilent:
            return None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._calls.end(self._real.close)
