"""``Client``: one who listens, and the messages that wait for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from nitropilot.server.events.messages import Subscription, event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_QUEUE = 256
"""Messages that wait for a client; 4 s of a pad at 60 Hz, beside what its socket holds."""


class Client:
    """One who listens.  Used in the event loop only."""

    def __init__(self) -> None:
        self.subscription = Subscription(events=())
        self.pictures: set[str] = set()
        """Sessions of whose pictures one is on its way to this client."""
        self._waiting: deque[tuple[str, str | None]] = deque()
        self._lost = 0
        self._wake = asyncio.Event()

    def put(self, text: str, picture_of: str | None = None) -> None:
        """Have a message sent; the oldest one is lost if too many wait."""
        if len(self._waiting) >= MAX_QUEUE:
            self._forget(self._waiting.popleft()[1])
            self._lost += 1
        self._waiting.append((text, picture_of))
        self._wake.set()

    def lose(self, count: int) -> None:
        """Messages were lost before they came here."""
        self._lost += count
        self._wake.set()

    async def send_all(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what waits, for ever; what was lost is said where it is missing."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._lost or self._waiting:
                if self._lost:
                    lost, self._lost = self._lost, 0
                    await send(event("lost", None, count=lost))
                    continue
                text, picture_of = self._waiting.popleft()
                await send(text)
                self._forget(picture_of)

    def _forget(self, picture_of: str | None) -> None:
        if picture_of is not None:
            self.pictures.discard(picture_of)
