"""Taking hold of a game can be given up at any moment, from another thread."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from nitropilot.agent.errors import NotPossibleNow
from nitropilot.calls import Call

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S = 0.1
"""How often whoever waits for something else looks whether that is still wanted."""
T = TypeVar("T")


class Cancellation(threading.Event):
    """Set once the game is not wanted any more."""

    def check(self) -> None:
        """Raise ``NotPossibleNow`` once the game is not wanted any more."""
        if self.is_set():
            raise NotPossibleNow("stopped while attaching")

    def until(self, act: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """What ``act`` returns, or the error that it raises, which may be long in coming.

        It is called in a thread of its own, which is left alone once the game is not wanted any
        more: for what asks a window system, or another program, that may never answer.

        Args:
            act: The call.
            undo: Gets what it returns when nobody waits for it any more.

        Raises:
            NotPossibleNow: The game is not wanted any more.
        """
        self.check()
        call = Call(act, undo)
        threading.Thread(target=call.make, name="nitropilot-attach", daemon=True).start()
        try:
            while not call.comes(POLL_S):
                self.check()
        except BaseException:
            if not call.give_up() and undo is not None:
                with suppress(Exception):
                    undo(call.result())
            raise
        return call.result()
