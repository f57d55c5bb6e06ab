"""Begin sessions again that failed of something that may pass: a bounded number of times.

What ended because somebody wanted it, or would fail the same way again (no such policy, no
pad, a refused pause), is left as it is.  The wait before a restart belongs to the session that
failed: panic, pause, toggle and the session's end call it off there (``SessionControl``).
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nitropilot.agent.values import Restart
from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent import End, Session
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
    """Begins failed sessions again.

    Args:
        settings: How often that may be; asked each time.
        again: Begins a session in place of another, unless that was called off meanwhile.

    Attributes:
        count: How many it has begun.
    """

    def __init__(
        self,
        settings: Callable[[], RestartSettings],
        again: Callable[[RestartHistory, Session], Session],
    ) -> None:
        self._settings = settings
        self._again = again
        self.count = 0

    def decide(self, history: RestartHistory, failed: Session, end: End) -> Restart | None:
        """What becomes of a session that fails: see ``SessionPlan.after_failure``."""
        settings = self._settings()
        if end.code not in MAY_PASS or not settings.most:
            return None
        now = time.monotonic()
        recent = [moment for moment in history.times if now - moment < settings.minutes * 60]
        if len(recent) >= settings.most:
            why = f"{len(recent)} restarts in {settings.minutes:g} minutes"
            log.warning(
                "session %s failed (%s) and is not begun again: %s", failed.id, end.reason, why
            )
            return Restart("given_up", reason=why)
        wait = min(FIRST_WAIT_S * 2 ** len(recent), LONGEST_WAIT_S)
        history.times = [*recent, now + wait]
        threading.Thread(
            target=self._begin, args=(history, failed, wait), name="nitropilot-restart", daemon=True
        ).start()
        return Restart("pending", due=datetime.now().astimezone() + timedelta(seconds=wait))

    def _begin(self, history: RestartHistory, failed: Session, wait: float) -> None:
        """Wait, and begin the session again unless that is called off."""
        failed.wait()
        if failed.machine.wait_settled(wait):
            return
        try:
            new = self._again(history, failed)
        except Exception as error:  # the thread's outermost frame: whoever looks must learn of it
            known = isinstance(error, NitroPilotError)
            why = error.line() if isinstance(error, NitroPilotError) else repr(error)
            if failed.machine.settle(Restart("given_up", reason=why)):
                log.warning(
                    "session %s could not be begun again: %s", failed.id, why, exc_info=not known
                )
            return
        self.count += 1
        settings = self._settings()
        log.warning(
            "session %s failed (%s): session %s goes on, restart %d of %d in %g minutes",
            failed.id, failed.end.reason if failed.end else "", new.id, len(history.times),
            settings.most, settings.minutes,
        )  # fmt: skip
