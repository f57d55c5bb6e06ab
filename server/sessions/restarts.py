"""Begin sessions again that failed of something that may pass: a bounded number of times.

What ended because somebody wanted it, or would fail the same way again (no such policy, no
pad, a refused pause), is left as it is.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nitropilot.agent.session.states import SessionState
from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent import Session
    from nitropilot.server.schemas.models import SessionRequest
    from nitropilot.server.store.settings import RestartSettings

log = logging.getLogger("nitropilot.restarts")

MAY_PASS = frozenset(
    {
        "game_hung", "grab_failed", "inference_failed", "launch_failed", "out_of_memory",
        "pad_failed", "pause_failed", "server_gone", "hand_failed", "window_vanished",
    }
)  # fmt: skip
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


@dataclass
class RestartHistory:
    """A session and those that were begun in its place.

    Attributes:
        request: What was asked for.
        times: When each restart was, in seconds of ``time.monotonic``.
    """

    request: SessionRequest
    times: list[float] = field(default_factory=list)


class Restarter:
    """Watches sessions and begins failed ones again.

    Args:
        settings: How often that may be; asked each time.
        again: Begins a session in place of another.
    """

    def __init__(
        self,
        settings: Callable[[], RestartSettings],
        again: Callable[[RestartHistory, Session], Session],
    ) -> None:
        self._settings = settings
        self._again = again
        self._closing = threading.Event()
        self.count = 0

    def watch(self, session: Session, history: RestartHistory) -> None:
        """Begin this session again if it fails."""
        threading.Thread(
            target=self._follow, args=(session, history), name="nitropilot-restart", daemon=True
        ).start()

    def close(self) -> None:
        """Begin nothing any more."""
        self._closing.set()

    def _follow(self, session: Session, history: RestartHistory) -> None:
        session.wait()
        end = session.end
        if session.state is not SessionState.FAILED or end is None or end.code not in MAY_PASS:
            return
        settings = self._settings()
        now = time.monotonic()
        recent = [moment for moment in history.times if now - moment < settings.minutes * 60]
        if len(recent) >= settings.most:
            if settings.most:
                log.warning(
                    "session %s failed (%s) and is not begun again: %d restarts in %g minutes",
                    session.id, end.reason, len(recent), settings.minutes,
                )  # fmt: skip
            return
        wait = min(FIRST_WAIT_S * 2 ** len(recent), LONGEST_WAIT_S)
        if self._closing.wait(wait):
            return
        history.times = [*recent, now]
        self.count += 1
        try:
            new = self._again(history, session)
        except NitroPilotError as error:
            log.warning("session %s could not be begun again: %s", session.id, error.line())
            return
        log.warning(
            "session %s failed (%s): session %s goes on, restart %d of %d in %g minutes",
            session.id, end.reason, new.id, len(history.times), settings.most, settings.minutes,
        )  # fmt: skip
