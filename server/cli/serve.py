"""``nitropilot serve`` and ``nitropilot token``."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.errors import HostRefused, NoPolicy, ServerError
from server.hosts import DEFAULT_HOST, DEFAULT_PORT, parse_bind
from server.logs import error_console
from server.token import load_or_create_token

if TYPE_CHECKING:
    import socket

    from server.settings_store import SettingsStore

log = logging.getLogger("nitropilot.daemon")

SHORTEST_TOKEN = 16
"""Of a token that others than this machine may try to guess."""


def serve(
    policy: Annotated[
        str | None, typer.Option(help="Checkpoint, or random:tiny; sessions may name another.")
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            envvar="NITROPILOT_HOST",
            help="Where to listen: host, host:port, [v6]:port or :port; an address that is not "
            "loopback needs --allow-lan, with --policy-server a token.",
        ),
    ] = DEFAULT_HOST,
    port: Annotated[
        int | None,
        typer.Option(envvar="NITROPILOT_PORT", help=f"0 takes a free one; default {DEFAULT_PORT}."),
    ] = None,
    allow_lan: Annotated[
        bool, typer.Option("--allow-lan", help="Let other machines come (with a token, over TLS).")
    ] = False,
    origin: Annotated[
        str,
        typer.Option(
            envvar="NITROPILOT_ORIGINS",
            help="Further origins that the daemon is reached by, such as a proxy's.",
        ),
    ] = "",
    tls: Annotated[
        bool | None, typer.Option(help="Speak TLS, or never; default: beyond loopback.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM certificate; without one, one is made.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Engine to run policies on; default: as in the settings.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, gpu or npu.")] = None,
    precision: Annotated[str | None, typer.Option(help="What to compute in.")] = None,
    log_format: Annotated[
        str | None, typer.Option(help="text, or json: one object a line on stderr.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    hotkey_toggle: Annotated[
        str | None,
        typer.Option(
            envvar="NITROPILOT_HOTKEY_TOGGLE", help='Pauses the agents or lets them play; "": none.'
        ),
    ] = None,
    hotkey_panic: Annotated[
        str | None,
        typer.Option(envvar="NITROPILOT_HOTKEY_PANIC", help='Lets go of everything; "": none.'),
    ] = None,
    policy_server: Annotated[
        bool,
        typer.Option(
            "--policy-server", help="Be a policy server for other players instead of the daemon."
        ),
    ] = False,
    max_batch: Annotated[
        int, typer.Option(min=1, max=256, help="Policy server: most requests computed together.")
    ] = 8,
    max_clients: Annotated[
        int, typer.Option(min=1, max=1024, help="Policy server: most clients at once.")
    ] = 32,
    server_token: Annotated[
        str,
        typer.Option(
            envvar="NITROPILOT_SERVER_TOKEN", help="Policy server: what its clients have to send."
        ),
    ] = "",
) -> None:
    """Run the daemon (a REST API with tokens, for this machine only), or a policy server."""
    place = parse_bind(host, port)
    if policy_server:
        how = (engine or "auto", device or "auto", precision or "auto")
        _serve_policy(policy, place, how, max_batch, max_clients, server_token)
        return
    from server.desk import LocalInputs
    from server.operating import open_registry
    from server.starting import Place, Start

    start = Start(Place(*place, allow_lan, origin, tls, tls_cert, tls_key))
    play = {"policy": policy, "engine": engine, "device": device, "precision": precision}
    if log_level is None and logging.getLogger("nitropilot").level == logging.DEBUG:
        log_level = "debug"  # nitropilot --verbose serve
    given = {
        "play": play,
        "log": {"format": log_format, "level": log_level},
        "hotkeys": {"toggle": hotkey_toggle, "panic": hotkey_panic},
    }
    registry = open_registry(given)
    with LocalInputs(registry):
        start.serve(registry, partial(say, registry.settings))


def token() -> None:
    """Print the daemon's token, making it if there is none yet."""
    typer.echo(load_or_create_token())


def _serve_policy(
    policy: str | None,
    place: tuple[str, int],
    how: tuple[str, str, str],
    max_batch: int,
    max_clients: int,
    secret: str,
) -> None:
    from engines import load_engine
    from server.daemon import url_name
    from server.policy_server import ServiceOptions, run_service

    if policy is None:
        raise NoPolicy("no policy given", "name a checkpoint with --policy, or random:tiny to try")
    listener = _listen(*place, secret)
    kind, device, precision = how
    loaded = load_engine(
        policy, engine=kind, device=device, precision=precision, max_batch=max_batch
    )

    def announce() -> None:
        _say(f"The policy server listens on ws://{url_name(listener)}")
        _say(f"{loaded.spec.name} with {loaded.info.name} on {loaded.info.device}")
        _say("Clients need the token" if secret else "Clients need no token")

    run_service(loaded, listener, ServiceOptions(secret, max_batch, max_clients), announce)


def _listen(host: str, port: int, secret: str) -> socket.socket:
    """A listening socket; beyond loopback only with a token that is hard to guess.

    Raises:
        HostRefused: The token is missing or short.
        ServerError: The token cannot be sent, or the address cannot be used.
    """
    from server.daemon import listen

    if secret and (not secret.isascii() or not secret.isprintable() or " " in secret):
        raise ServerError(
            "the server token has characters that cannot be sent", "use letters and digits"
        )
    try:
        return listen(host, port, beyond=secret if len(secret) >= SHORTEST_TOKEN else "")
    except HostRefused as error:
        raise HostRefused(
            str(error),
            f"use 127.0.0.1, or set NITROPILOT_SERVER_TOKEN to {SHORTEST_TOKEN} or more random "
            "characters",
        ) from None


def say(settings: SettingsStore, line: str) -> None:
    """Tell whoever started the daemon; a log for programs gets no secret, once or for ever."""
    if settings.current.log.format == "text":
        _say(line)
    elif "?code=" in line:
        log.warning("nitropilot url prints an address for a browser")
    else:
        log.warning("%s", line)


def _say(line: str) -> None:
    # Parts of a fingerprint, such as ":AB:", are names of emoji to rich.
    error_console().print(line, markup=False, highlight=False, emoji=False)
