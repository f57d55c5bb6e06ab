"""``Listener``: a real WebSocket client of the events."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.server.processes import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.processes import Daemon

PATH = "/api/v1/events"


class Listener:
    """A client of a daemon's events.

    Args:
        daemon: Whose.
        headers: Of the handshake.
        options: For ``websockets``.
    """

    def __init__(
        self, daemon: Daemon, headers: dict[str, str] | None = None, **options: Any
    ) -> None:
        self.daemon = daemon
        self._connecting = connect(
            f"ws://127.0.0.1:{daemon.port}{PATH}", additional_headers=headers, proxy=None,
            # What was not read does not hold up the end, and is no reason to end.
            open_timeout=PATIENCE_S, close_timeout=1, ping_interval=None,
            **{"max_queue": None, **options},
        )  # fmt: skip
        self.socket = self._connecting.__enter__()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._connecting.__exit__(None, None, None)

    def say(self, kind: str, **keys: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps({"type": kind, **keys}))

    def next(self, *kinds: str, **wanted: Any) -> dict[str, Any]:
        """The next message, of one of these kinds and with these keys if any are named."""
        return self.until(
            lambda message: (
                (not kinds or message["type"] in kinds)
                and all(message.get(key) == value for key, value in wanted.items())
            )
        )

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that is wanted."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message: dict[str, Any] = json.loads(self.socket.recv(PATIENCE_S))
            if wanted(message):
                return message
        raise AssertionError("the message did not come in time")

    def identify(self, token: str | None = None, **keys: Any) -> dict[str, Any]:
        """Say who this is; returns ``ready``."""
        assert self.next()["type"] == "hello"
        self.say("identify", token=token or self.daemon.token, **keys)
        ready = self.next()
        assert ready["type"] == "ready", ready
        return ready

    def end(self) -> int:
        """The code that the daemon closes with, once it does."""
        try:
            while True:
                self.socket.recv(PATIENCE_S)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else 1006
