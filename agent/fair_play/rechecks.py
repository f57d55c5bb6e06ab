"""``Rechecks``: whether a game that is played has become a protected one meanwhile.

An anti-cheat may start or be loaded long after the game.  A look takes from a few milliseconds
to seconds (a tree of many processes, a slow disk), so it has a thread of its own, and only
what it found is asked for where the game is played.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from nitropilot.agent.errors import ProtectedGame
from nitropilot.agent.fair_play.judging import refuse_protected
from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = logging.getLogger("nitropilot.fair_play")

LOOK_EVERY_S = 60.0
END_PATIENCE_S = 5.0
"""How long the end of a game waits for a look; one that takes longer only reads, and ends alone."""


class Rechecks:
    """Looks once a minute, while somebody asks.  ``check`` and ``close`` are for one thread.

    Args:
        pids: The game's processes.
        let_go: Called at once, from another thread, when the game is found to be protected.
    """

    def __init__(self, pids: Callable[[], Iterable[int]], let_go: Callable[[], None]) -> None:
        self._pids = pids
        self._let_go = let_go
        self._due = time.monotonic() + LOOK_EVERY_S
        self._look: threading.Thread | None = None
        self._refused: ProtectedGame | None = None

    def check(self) -> None:
        """Begin a look when one is due; never waits for it.

        Raises:
            ProtectedGame: A look found the game protected.
        """
        if self._refused is not None:
            raise self._refused
        if time.monotonic() < self._due or (self._look is not None and self._look.is_alive()):
            return
        self._due = time.monotonic() + LOOK_EVERY_S
        self._look = threading.Thread(
            target=self._run, args=(tuple(self._pids()),), name="nitropilot-fair-play", daemon=True
        )
        self._look.start()

    def close(self) -> None:
        """Wait for a look that is in the works.  Safe to call twice."""
        if self._look is not None:
            self._look.join(END_PATIENCE_S)

    def _run(self, pids: tuple[int, ...]) -> None:
        try:
            for pid in pids:
                refuse_protected(pid)
        except ProtectedGame as error:
            self._refused = error
            self._let_go_now()
        except Exception:  # the next look may do better
            log.exception("could not look for anti-cheat systems")

    def _let_go_now(self) -> None:
        try:
            self._let_go()
        except NitroPilotError as error:  # whoever plays it hears of the game, and lets go too
            log.warning("while letting go of a protected game: %s", error.line())
