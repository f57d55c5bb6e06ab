"""Where the running daemon can be reached: written when it starts, gone when it ends.

There is no secret in the file; the token that ``nitropilot url`` sends is read from its own,
and is sent to loopback, or after the other side has shown the certificate named here.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from nitropilot.server.errors import NoDaemon, ServerError
from nitropilot.server.http.tls import fingerprint
from nitropilot.server.store.paths import config_folder
from nitropilot.server.store.private import write_private

PATIENCE_S = 10.0
MAX_ANSWER = 4 * 1024 * 1024


@dataclass(frozen=True)
class Running:
    """A daemon that runs.

    Attributes:
        url: Where, such as ``http://127.0.0.1:6487``.
        pid: Its process.
        fingerprint: Of its certificate, or "" without TLS.
    """

    url: str
    pid: int
    fingerprint: str


def running_path() -> Path:
    """The file."""
    return config_folder() / "daemon.json"


def announce(url: str, certificate: str) -> None:
    """Write it for this process.

    Raises:
        ServerError: It cannot be written.
    """
    try:
        write_private(running_path(), json.dumps(asdict(Running(url, os.getpid(), certificate))))
    except OSError as error:
        raise ServerError(
            f"cannot write {running_path()}: {error.strerror}",
            "make its folder yours to write, or name another one in NITROPILOT_CONFIG",
        ) from error


def withdraw() -> None:
    """Remove it, unless another daemon has written it since."""
    try:
        if find_running().pid == os.getpid():
            running_path().unlink(missing_ok=True)
    except (NoDaemon, OSError):
        pass


def find_running() -> Running:
    """The daemon that last said that it runs.

    Raises:
        NoDaemon: None did, or it is gone.
    """
    try:
        body: dict[str, Any] = json.loads(running_path().read_text(encoding="utf-8"))
        found = Running(str(body["url"]), int(body["pid"]), str(body["fingerprint"]))
        port = urlsplit(found.url).port
    except (OSError, ValueError, KeyError, TypeError):
        raise NoDaemon("no daemon runs", "start one with: nitropilot serve") from None
    # After a daemon that was killed its port may be another user's, who waits for our token.
    if not _listens(found.pid, port):
        raise _silent(found)
    return found


def _listens(pid: int, port: int | None) -> bool:
    """Whether a process of this user listens on that port."""
    try:
        process = psutil.Process(pid)
        ours = process.username() == psutil.Process().username()
        return ours and any(
            c.laddr.port == port
            for c in process.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN
        )
    except (psutil.Error, OSError, ValueError):
        return False


def post(path: str, token: str) -> dict[str, Any]:
    """Have the running daemon do something: see ``ask``."""
    return ask("POST", path, token)


def ask(method: str, path: str, token: str, body: Any = None) -> dict[str, Any]:
    """Ask the running daemon.

    Args:
        method: Such as GET.
        path: Of the API.
        token: The bearer token.
        body: What to send, as JSON; None for nothing.

    Returns:
        The JSON object that it answers.

    Raises:
        NoDaemon: None answers.
        ServerError: Another one answers, or with an error.
    """
    daemon = find_running()
    connection = _connect(daemon)
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, body=sent, headers=headers)
        answer = connection.getresponse()
        said = answer.read(MAX_ANSWER)
    except (OSError, http.client.HTTPException):
        raise _silent(daemon) from None
    finally:
        connection.close()
    try:
        parsed: dict[str, Any] = json.loads(said)
        if answer.status < 300:
            return parsed
        message = str(parsed["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = f"HTTP {answer.status}"
    raise ServerError(f"the daemon at {daemon.url} refused: {message}")


def _connect(daemon: Running) -> http.client.HTTPConnection:
    parts = urlsplit(daemon.url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    # A self-made certificate is known by its fingerprint, which says more than a name.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE_S, context=context)
    try:
        connection.connect()
    except OSError:
        raise _silent(daemon) from None
    assert isinstance(connection.sock, ssl.SSLSocket)
    shown = connection.sock.getpeercert(binary_form=True) or b""
    if fingerprint(shown) != daemon.fingerprint:
        connection.close()
        raise ServerError(
            f"another program answers at {daemon.url}: its certificate is not the daemon's",
            "restart the daemon",
        )
    return connection


def _silent(daemon: Running) -> NoDaemon:
    return NoDaemon(f"no daemon answers at {daemon.url}", "start one with: nitropilot serve")
