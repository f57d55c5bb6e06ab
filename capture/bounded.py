"""Calls to a window system that may never answer, each with a limit.

An X server that is stopped, swapped out, or held by a game that is frozen answers nobody, and no
call of X's libraries has a limit of its own.  So the calls are made in a thread that does nothing
else; whoever waits for it gives up, and the thread's late answer counts for nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nitropilot.calls import Call
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
MOST_SILENT = 8
"""So many calls that hang at once, and a display is asked nothing more until one comes back."""
T = TypeVar("T")
Real = TypeVar("Real", Grabber, ResponseProbe)


class BoundedCalls:
    """One thread that makes calls, one after the other.

    Args:
        display: What it calls, for messages.

    Raises:
        DisplaySilent: So many calls to it hang already that one more thread would be in vain.
    """

    def __init__(self, display: str) -> None:
        self._display = display
        if (silent := _hanging(display)) >= MOST_SILENT:
            raise self._silent(f"has left {silent} questions unanswered")
        self._jobs: Mailbox[Call[Any] | None] = Mailbox()
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
        silent = self._silent(f"has not answered for {patience:g} s")
        if not self._free.acquire(timeout=patience):
            raise silent
        call = Call(act, undo)
        self._jobs.put(call)
        if not call.comes(patience) and call.give_up():
            _hanging(self._display, call)
            raise silent
        return call.result()

    def end(self, last: Callable[[], object] = lambda: None) -> None:
        """Make a last call once the one before has come back, and end; waits for nothing long.

        An error of that call is nobody's.
        """
        answers = self._free.acquire(blocking=False)
        self._jobs.put(Call(last))
        self._jobs.put(None)
        self._thread.join(PATIENCE_S if answers else 0)

    def _silent(self, what: str) -> DisplaySilent:
        return DisplaySilent(
            f"the display {self._display} {what}",
            "it may be overloaded, stopped, or held by the game; play goes on when it answers",
        )

    def _work(self) -> None:
        while (call := self._jobs.get()) is not None:
            call.make()
            del call  # it holds a picture, and the next one may be long in coming
            self._free.release()


_abandoned: list[tuple[str, Call[Any]]] = []
"""Calls, with their displays, that nobody waits for any more."""


_lock = threading.Lock()


def _hanging(display: str, one_more: Call[Any] | None = None) -> int:
    """How many of them have not come back; those that have hold pictures, and are forgotten."""
    with _lock:
        if one_more is not None:
            _abandoned.append((display, one_more))
        _abandoned[:] = [one for one in _abandoned if not one[1].over]
        return sum(name == display for name, _ in _abandoned)


def call_once(act: Callable[[], T], display: str, patience: float = OPEN_S) -> T:
    """What ``act`` returns, or the error that it raises; see ``BoundedCalls.call``."""
    calls = BoundedCalls(display)
    try:
        return calls.call(act, patience)
    finally:
        calls.end()


class _Bounded(Generic[Real]):
    """Something of a display's, opened, used and closed within limits.

    Args:
        open_it: Opens the real one.
        display: What it is of, for messages.
    """

    def __init__(self, open_it: Callable[[], Real], display: str) -> None:
        self._calls = BoundedCalls(display)
        try:
            self._real: Real = self._calls.call(open_it, OPEN_S, lambda late: late.close())
        except BaseException:
            self._calls.end()
            raise
        self._closed = False

    def close(self) -> None:
        """Close the real one, now or when the display answers.  Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._calls.end(self._real.close)


class BoundedGrabber(_Bounded[Grabber], Grabber):
    """A grabber that waits for a picture no longer than ``PATIENCE_S``."""

    @property
    def window(self) -> Window:
        return self._real.window

    def grab(self) -> Frame:
        return self._calls.call(self._real.grab)


class BoundedProbe(_Bounded[ResponseProbe], ResponseProbe):
    """A probe that knows nothing while the display does not answer."""

    def poll(self) -> bool | None:
        try:
            return self._calls.call(self._real.poll)
        except DisplaySilent:
            return None
