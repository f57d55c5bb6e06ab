"""The same for several sessions at once: one whose game is slow must not hold another's up."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nitropilot.agent import Session

log = logging.getLogger("nitropilot.sessions")


def side_by_side(sessions: Iterable[Session], act: Callable[[Session], object], name: str) -> None:
    """Do it for each in a thread of its own, and wait for all; what fails is logged.

    Args:
        sessions: Which.
        act: What is done.
        name: What the threads are called.
    """

    def one(session: Session) -> None:
        try:
            act(session)
        except NitroPilotError as error:
            log.warning("%s: session %s: %s", name, session.id, error.line())

    threads = [
        threading.Thread(
            target=one, args=(session,), name=f"nitropilot-{name}-{session.id}", daemon=True
        )
        for session in sessions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
