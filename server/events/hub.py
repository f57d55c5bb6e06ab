"""``Hub``: from the threads that play to the clients that listen.

Sessions tell the hub from threads of their own (``agent.events``).  It makes the message,
once for all clients, and leaves it in a box; the event loop empties the box into each client's
own.  Both are bounded: what is too much is thrown away, oldest first, and said.  Without a
client that wants an event, its message is not even made.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from nitropilot.agent import SessionState
from nitropilot.agent.events import Changed, ChunkReady, Missed, PadMoved, Warned
from nitropilot.server.events import messages
from nitropilot.server.events.messages import CloseCode, Closing, Subscription
from nitropilot.server.events.pictures import Pictures
from nitropilot.server.http.lanes import apart
from nitropilot.server.schemas.views import facts_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.agent import Session
    from nitropilot.agent.events import Event
    from nitropilot.server.events.client import Client

MAX_CLIENTS = 64
MAX_STRANGERS = 64
"""Connections that have not said yet who they are."""
MAX_FROM_ONE = 48
"""Of these, from one address."""
MAX_BOX = 4096
STATS_EVERY_S = 1.0

log = logging.getLogger("nitropilot.events")


class Hub:
    """Observes sessions and tells clients.

    ``happened``, ``publish`` and ``warn`` are for any thread, everything else for the event loop.

    Args:
        sessions: All sessions there are.
    """

    def __init__(self, sessions: Callable[[], Sequence[Session]]) -> None:
        self.sessions = sessions
        self.pictures = Pictures()
        self._clients: set[Client] = set()
        self._strangers: dict[Client, tuple[str, asyncio.Timeout]] = {}
        self._wanted: frozenset[str] = frozenset()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stats: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._box: deque[tuple[str, str | None, str]] = deque()
        self._lost = 0
        self._called = False

    def happened(self, event: Event) -> None:
        """Tell the clients, if any wants to know."""
        wanted = self._wanted
        if not wanted:
            return
        if isinstance(event, Missed):
            self._count_lost(event.count)
        elif isinstance(event, Warned):
            self.warn(event.session, event.message, event.hint, event.time)
        elif isinstance(event, PadMoved) and "pad" in wanted:
            self.publish("pad", event.session, messages.pad(event))
        elif isinstance(event, ChunkReady) and "chunk" in wanted:
            self.publish("chunk", event.session, messages.chunk(event))
        elif isinstance(event, Changed) and "state" in wanted:
            text = messages.state(facts_model(event.facts), event.time)
            self.publish("state", event.session, text)

    def warn(
        self, session: str | None, message: str, hint: str = "", when: float | None = None
    ) -> None:
        """Tell the clients that want warnings."""
        if "warning" in self._wanted:
            text = messages.event("warning", session, when, message=message, hint=hint)
            self.publish("warning", session, text)

    def publish(self, kind: str, session: str | None, text: str) -> None:
        """Give a message to the clients that want it, soon."""
        with self._lock:
            if len(self._box) >= MAX_BOX:
                self._box.popleft()
                self._lost += 1
            self._box.append((kind, session, text))
            self._call()

    def _count_lost(self, count: int) -> None:
        with self._lock:
            self._lost += count
            self._call()

    def _call(self) -> None:
        """Have the event loop empty the box; the lock is held."""
        if self._called or self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._empty_box)
        except RuntimeError:  # the loop has ended, and its clients with it
            self._loop = None
        else:
            self._called = True

    def _empty_box(self) -> None:
        with self._lock:
            box, self._box = self._box, deque()
            lost, self._lost = self._lost, 0
            self._called = False
        for client in self._clients:
            if lost:
                client.lose(lost)
            for kind, session, text in box:
                if client.subscription.covers(kind, session):
                    client.put(text)

    def meet(self, client: Client, address: str, patience: asyncio.Timeout) -> None:
        """Somebody has come who may still say who it is; for whom there is too much of, goes.

        Whoever is silent longest goes: a user who says at once who it is must find room.

        Args:
            client: Who.
            address: From where.
            patience: Ends the wait for what it says.
        """
        self._strangers[client] = (address, patience)
        same = [each for each, (place, _) in self._strangers.items() if place == address]
        if len(same) > MAX_FROM_ONE:
            self._send_away(same[0])
        elif len(self._strangers) > MAX_STRANGERS:
            self._send_away(next(iter(self._strangers)))

    def _send_away(self, stranger: Client) -> None:
        _, patience = self._strangers.pop(stranger)
        with suppress(RuntimeError):  # its time is up anyway, just now
            patience.reschedule(asyncio.get_running_loop().time())

    def join(self, client: Client, subscription: Subscription) -> None:
        """From now on the client hears what it wants.

        Raises:
            Closing: Too many listen.
        """
        self._strangers.pop(client, None)
        if len(self._clients) >= MAX_CLIENTS:
            raise Closing(CloseCode.TOO_MANY, f"{MAX_CLIENTS} clients listen already")
        self._loop = asyncio.get_running_loop()
        self._clients.add(client)
        self.change(client, subscription)
        if self._stats is None:
            self._stats = self._loop.create_task(self._tell_stats())

    def change(self, client: Client, subscription: Subscription) -> None:
        """It wants something else now."""
        client.subscription = subscription
        self._note_wanted()

    def leave(self, client: Client) -> None:
        """It hears no more.  Harmless for one that did not join."""
        self._strangers.pop(client, None)
        self._clients.discard(client)
        self._note_wanted()
        if not self._clients and self._stats is not None:
            self._stats.cancel()
            self._stats = None

    def _note_wanted(self) -> None:
        wanted = {kind for client in self._clients for kind in client.subscription.events}
        self._wanted = frozenset(wanted)

    async def _tell_stats(self) -> None:
        while True:
            await asyncio.sleep(STATS_EVERY_S)
            if "stats" in self._wanted:
                try:
                    await apart(self._publish_stats)
                except Exception:  # the next second is another try
                    log.exception("no stats this second")

    def _publish_stats(self) -> None:
        for session in self.sessions():
            if session.state is SessionState.PLAYING:
                data = session.stats.summary()
                text = messages.event("stats", session.id, time.time(), data=data)
                self.publish("stats", session.id, text)
