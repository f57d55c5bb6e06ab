"""A policy server in a process of its own, and clients of it, for tests of several rooms."""

from __future__ import annotations

import json
import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from websockets.sync.client import ClientConnection, connect

from nitropilot.engines.remote.wire import Limits, pack, unpack
from tests.server.processes import PATIENCE_S, POLICY, ROOT, environment, until
from tests.support import warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

METADATA = Limits(items=20_000)


class PolicyServer:
    """``nitropilot serve --policy-server``, listening.

    Args:
        home: Folder for its files.
        options: More options.
        policy: What it serves.
        port: Its port, 0 for a free one.
        variables: More environment variables.
    """

    def __init__(
        self, home: Path, *options: str, policy: str = POLICY, port: int = 0, **variables: str
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.log = home / "policy-server.log"
        arguments = (
            "serve", "--policy-server", "--policy", policy, "--engine", "torch", "--device", "cpu",
            "--port", str(port), *options,
        )  # fmt: skip
        with self.log.open("wb") as log:
            self.process = warm.start(
                arguments, environment(home, None, **variables), ROOT, log, log
            )
        try:
            self.address = str(until(self._said_address, "the server's first line"))
        except BaseException:
            self.kill()
            raise
        self.port = int(self.address.rpartition(":")[2])

    def output(self) -> str:
        """All it has printed."""
        return self.log.read_text()

    def memory(self) -> int:
        """Bytes that it holds."""
        size: int = psutil.Process(self.process.pid).memory_info().rss
        return size

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it at once, without a word to its clients."""
        self.process.kill()
        self.process.wait()

    def _said_address(self) -> str:
        assert self.process.poll() is None, self.output()
        found = re.search(r"listens on (ws://\S+)", self.output())
        return found[1] if found else ""


@contextmanager
def policy_server(home: Path, *options: str, **more: Any) -> Iterator[PolicyServer]:
    """A ``PolicyServer`` for the length of a block."""
    server = PolicyServer(home, *options, **more)
    try:
        yield server
    finally:
        server.kill()


class Refused(Exception):
    """The server answered with an error.

    Args:
        error: ``{"code", "message", "hint"}``.
    """

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]
        self.hint = error["hint"]


class PlainClient:
    """A client that speaks the wire and knows nothing else of us.

    Args:
        address: Of the server.
        headers: More headers of the handshake.
    """

    def __init__(self, address: str, **headers: str) -> None:
        self._manager = connect(
            address, compression=None, max_size=None, additional_headers=headers, proxy=None
        )
        self.connection: ClientConnection = self._manager.__enter__()
        first = self.connection.recv(PATIENCE_S)
        assert isinstance(first, bytes), first
        self.metadata: dict[str, Any] = unpack(first, METADATA)

    def send(self, **request: Any) -> None:
        """Send a request."""
        self.connection.send(pack(request))

    def receive(self) -> dict[str, Any]:
        """The next answer; an error raises ``Refused``."""
        answer = self.connection.recv(PATIENCE_S)
        if isinstance(answer, str):
            body = json.loads(answer)
            assert set(body) == {"error"}, body
            assert set(body["error"]) == {"code", "message", "hint"}, body
            raise Refused(body["error"])
        message: dict[str, Any] = unpack(answer)
        return message

    def infer(self, **request: Any) -> dict[str, Any]:
        """Ask and wait for the answer."""
        self.send(**request)
        return self.receive()

    def close(self) -> None:
        """End the connection."""
        self._manager.__exit__(None, None, None)


@contextmanager
def plain_client(address: str, **headers: str) -> Iterator[PlainClient]:
    """A ``PlainClient`` for the length of a block."""
    client = PlainClient(address, **headers)
    try:
        yield client
    finally:
        client.close()


def picture(seed: int = 0, height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    """Some picture, ``height x width x 3``."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
