"""``nitropilot serve`` and ``nitropilot token``."""

from __future__ import annotations

from typing import Annotated

import typer

from server.cli.output import error_console
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
        int, typer.Option(envvar="NITROPILOT_PORT", help="0 takes a free one.")
    ] = DEFAULT_PORT,
    engine: Annotated[str, typer.Option(help="Engine to run policies on.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Run the daemon: a REST API on this machine only, with a token."""
    from server.app import create_app
    from server.daemon import listen, run, url_name
    from server.pool import EnginePool
    from server.registry import SessionRegistry

    listener = listen(host, port)
    secret = load_or_create_token()
    pool = EnginePool(policy, engine, device)
    if policy is not None:
        pool.get()
    registry = SessionRegistry(pool)
    name = url_name(listener)
    screen = error_console()
    screen.print(f"NitroPilot listens on http://{name}/api/v1", markup=False, highlight=False)
    screen.print(f"The token is in {token_path()}", markup=False, highlight=False)
    run(create_app(registry, secret, name), listener, registry)


def token() -> None:
    """Print the daemon's token, making it if there is none yet."""
    typer.echo(load_or_create_token())
