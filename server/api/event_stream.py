"""``GET /api/v1/events``: one conversation, from ``hello`` to its close code."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from nitropilot.server.auth.identity import identity_of
from nitropilot.server.auth.scopes import ScopedWebSocketRoute, public
from nitropilot.server.events import messages
from nitropilot.server.events.client import Client
from nitropilot.server.events.messages import CloseCode, Closing
from nitropilot.server.http.lanes import apart
from nitropilot.server.http.limits import Buckets, client_key
from nitropilot.server.schemas.views import session_model

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from nitropilot.server.auth import Access, Identity
    from nitropilot.server.events.hub import Hub
    from nitropilot.server.sessions.registry import SessionRegistry

PATH = "/api/v1/events"
IDENTIFY_S = 10.0
MESSAGES_PER_S = 20.0
STILL_EVERY_S = 1.0
"""How often it is looked whether a client's token or browser session still holds."""
CLOSE_S = 3.0
"""How long the close may wait for a client that does not read."""

log = logging.getLogger("nitropilot.events")


@public
async def events(socket: WebSocket) -> None:
    """Whoever comes may say who it is; see docs/events.md."""
    registry: SessionRegistry = socket.app.state.registry
    await Conversation(socket, registry.events, socket.app.state.access).hold()


route = ScopedWebSocketRoute(PATH, events)


class Conversation:
    """One client's.

    Args:
        socket: Its connection.
        hub: What it listens to.
        access: Who may.
    """

    def __init__(self, socket: WebSocket, hub: Hub, access: Access) -> None:
        self._socket = socket
        self._hub = hub
        self._access = access
        self._client = Client()
        self._rate = Buckets(MESSAGES_PER_S, MESSAGES_PER_S, size=1)
        self._identity: Identity | None = identity_of(socket.scope)

    async def hold(self) -> None:
        """Talk until one of both ends it."""
        await self._socket.accept()
        try:
            await self._talk()
        except Closing as closing:
            await self._close(closing.code, closing.reason)
        except WebSocketDisconnect:
            pass
        except Exception:  # the client learns nothing of it
            log.exception("a conversation on %s failed", PATH)
            await self._close(CloseCode.MISTAKE, "the daemon made a mistake")
        finally:
            self._hub.leave(self._client)

    async def _talk(self) -> None:
        try:
            async with asyncio.timeout(IDENTIFY_S) as patience:
                if self._identity is None:
                    self._hub.meet(self._client, client_key(self._socket.scope), patience)
                await self._send(messages.hello(self._identity is not None))
                message = await self._receive()
        except TimeoutError:
            raise Closing(CloseCode.NOT_IDENTIFIED, "no identify came") from None
        identity = self._identify(message)
        await self._welcome(identity, messages.read_subscription(message))
        await _until_one_ends(
            self._listen(), self._client.send_all(self._send), self._while_valid(identity)
        )

    def _identify(self, message: dict[str, Any]) -> Identity:
        """Whose conversation it is; raises ``Closing`` if that is not clear."""
        if message["type"] != "identify":
            raise Closing(CloseCode.BAD_MESSAGE, "the first message is identify")
        if message.get("protocol", messages.PROTOCOL) != messages.PROTOCOL:
            raise Closing(CloseCode.OTHER_PROTOCOL, f"this speaks protocol {messages.PROTOCOL}")
        secret = message.get("token")
        if secret is None and self._identity is not None:
            return self._identity
        found = self._access.by_secret(secret) if isinstance(secret, str) else None
        if found is None:
            if secret is not None:
                self._access.failures.take(client_key(self._socket.scope))
            raise Closing(CloseCode.WRONG_TOKEN, "the token is wrong")
        return found

    async def _welcome(self, identity: Identity, subscription: messages.Subscription) -> None:
        """What comes from here on waits until ``ready`` is sent, so that nothing is missed."""
        self._hub.join(self._client, subscription)
        sessions = await apart(
            lambda: [
                session_model(session)
                for session in self._hub.sessions()
                if subscription.session in (None, session.id)
            ]
        )
        await self._send(messages.ready(identity.scope, subscription, sessions))

    async def _listen(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "identify":
                raise Closing(CloseCode.IDENTIFIED_TWICE, "identify came twice")
            if message["type"] == "subscribe":
                self._hub.change(
                    self._client, messages.read_subscription(message, self._client.subscription)
                )
            else:
                session, width = messages.read_frame(message)
                self._hub.pictures.order(self._client, list(self._hub.sessions()), session, width)

    async def _while_valid(self, identity: Identity) -> None:
        while identity.valid():
            await asyncio.sleep(STILL_EVERY_S)
        raise Closing(CloseCode.REVOKED, "the token or browser session has ended")

    async def _receive(self) -> dict[str, Any]:
        """The client's next message; raises ``Closing`` for a bad one, or one too many."""
        raw = await self._socket.receive()
        if raw["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(raw.get("code", 1005))
        if self._rate.take(""):
            raise Closing(CloseCode.TOO_FAST, f"more than {MESSAGES_PER_S:g} messages a second")
        return messages.read(raw.get("text"))

    async def _send(self, text: str) -> None:
        await self._socket.send({"type": "websocket.send", "text": text})

    async def _close(self, code: CloseCode, reason: str) -> None:
        # It may have gone meanwhile, or not read: its connection has its own end to waiting.
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code, reason)


async def _until_one_ends(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all of them until the first raises, and raise that."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end
