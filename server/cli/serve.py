"""``nitropilot serve`` and ``nitropilot token``."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from typing import Annotated

import typer

from server.cli.output import console
from server.errors import HostRefused, PortInUse, ServerError
from server.token import load_or_create_token, token_path

DEFAULT_PORT = 6487


def serve(
    policy: Annotated[
        str | None, typer.Option(help="Checkpoint, or random:tiny; sessions may name another.")
    ] = None,
    host: Annotated[
        str, typer.Option(envvar="NITROPILOT_HOST", help="Loopback address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="NITROPILOT_PORT", min=0, max=65535, help="0 takes a free one.")
    ] = DEFAULT_PORT,
    engine: Annotated[str, typer.Option(help="Engine to run policies on.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Run the daemon: a REST API on this machine only, with a token."""
    import uvicorn

    from server.app import create_app
    from server.pool import EnginePool
    from server.registry import SessionRegistry

    listener = listen(host, port)
    port = listener.getsockname()[1]
    secret = load_or_create_token()
    pool = EnginePool(policy, engine, device)
    if policy is not None:
        pool.get()
    app = create_app(SessionRegistry(pool), secret, port)
    note = console(stderr=True)
    note.print(f"NitroPilot listens on http://{_url_host(host)}:{port}/api/v1", highlight=False)
    note.print(f"The token is in {token_path()}", highlight=False)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


def token() -> None:
    """Print the daemon's token, making it if there is none yet."""
    typer.echo(load_or_create_token())


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address.

    Raises:
        HostRefused: ``host`` is not loopback.
        PortInUse: Another program listens on ``port``.
        ServerError: The address cannot be used for another reason.
    """
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        raise HostRefused(f"{host!r} is not an IP address", "use 127.0.0.1 or ::1") from None
    if not address.is_loopback:
        raise HostRefused(f"{host} can be reached from other machines", "use 127.0.0.1 or ::1")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((name, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} on {host} is in use", "end the other program or give --port"
            ) from None
        raise ServerError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
