"""A daemon to attack, and raw connections to do it with."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.server.processes import PATIENCE_S, Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator


class Target(Daemon):
    """A daemon, and what an attacker who can connect does."""

    @contextmanager
    def raw(self, source: str = "127.0.0.1") -> Iterator[socket.socket]:
        """A connection, from an address that the whole of 127/8 offers."""
        with socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE_S, source_address=(source, 0)
        ) as connection:
            yield connection

    def head(self, method: str, path: str, *headers: str, host: str | None = None) -> bytes:
        """A request's head; the client's own connection ends with it."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}"]
        return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")

    def status(self, head: bytes, source: str = "127.0.0.1") -> int:
        """The status that some bytes are answered with; 0 for a closed connection."""
        with self.raw(source) as connection:
            try:
                connection.sendall(head)
                answer = connection.recv(65536)
            except ConnectionError:
                return 0
        return int(answer.split()[1]) if answer else 0

    def still_serves(self) -> bool:
        """Whether a user with the token gets what he asks for."""
        return self.client.get("/api/v1/sessions").status_code == 200


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One daemon for a module's attacks; it must be well afterwards."""
    target = Target(tmp_path_factory.mktemp("target"), None, warm_start=True)
    yield target
    assert target.process.poll() is None, target.output()
    assert target.still_serves()
    assert "Traceback" not in target.output()
    target.client.close()
    target.kill()
