"""A server on the policy wire that does whatever a test tells it to."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from nitropilot.engines.remote.spec import FEATURES, PROTOCOL
from nitropilot.engines.remote.wire import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.http11 import Request, Response
    from websockets.sync.server import ServerConnection

    Check = Callable[[ServerConnection, Request], Response | None]
    Script = Callable[[ServerConnection, dict[str, Any]], object]

METADATA: dict[str, Any] = {
    "server": "nitropilot", "version": "0", "protocol": PROTOCOL, "features": list(FEATURES),
    "policy": "scripted", "fingerprint": "0" * 64, "random": True, "old_layout": False,
    "games": {}, "image_size": 16, "frames": 1, "horizon": 2, "action_dim": 25, "steps": 1,
    "game_rows": 0, "tokens_per_frame": 1, "sequence_length": 1, "engine": "none",
    "device": "nowhere", "precision": "float32",
}  # fmt: skip


class ScriptedServer:
    """Listens on loopback until the block ends.

    Args:
        first: The first message of every connection; None for none.
        script: Called with every request; what it returns is sent if it is bytes or a text.
        check: Called with every handshake, as in ``websockets``.
        port: Its port, 0 for a free one.

    Attributes:
        requests: What came.
        handshakes: Their headers.
    """

    def __init__(
        self,
        first: bytes | str | None,
        script: Script = lambda connection, request: None,
        check: Check = lambda connection, request: None,
        port: int = 0,
    ) -> None:
        self.first, self.script, self._check = first, script, check
        self.requests: list[dict[str, Any]] = []
        self.handshakes: list[dict[str, str]] = []
        self._server = serve(
            self._serve_one, "127.0.0.1", port, compression=None, process_request=self._look,
            max_size=None,
        )  # fmt: skip
        self.port: int = self._server.socket.getsockname()[1]
        self.address = f"ws://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """End it and all its connections."""
        self._server.shutdown()
        self._thread.join()

    def _look(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(dict(request.headers.raw_items()))
        return self._check(connection, request)

    def _serve_one(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            if self.first is not None:
                connection.send(self.first)
            for message in connection:
                assert isinstance(message, bytes)
                request = unpack(message)
                self.requests.append(request)
                answer = self.script(connection, request)
                if isinstance(answer, bytes | str):
                    connection.send(answer)


@contextmanager
def scripted_server(first: Any = None, *arguments: Any, **options: Any) -> Iterator[ScriptedServer]:
    """A ``ScriptedServer`` for the length of a block; ``first`` may be a map, or changes to it."""
    if first is None or isinstance(first, dict):
        first = pack({k: v for k, v in (METADATA | (first or {})).items() if v is not ...})
    server = ScriptedServer(first, *arguments, **options)
    try:
        yield server
    finally:
        server.close()
