"""``nitropilot serve`` and ``nitropilot token``."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import typer

from nitropilot.policy.naming import DEFAULT
from nitropilot.server.auth.token import load_or_create_token
from nitropilot.server.errors import HostRefused, ServerError
from nitropilot.server.host.logs import error_console

if TYPE_CHECKING:
    import socket

    from nitropilot.engines import Engine
    from nitropilot.server.cli.daemon.serve_options import ServeOptions
    from nitropilot.server.daemon.starting import Place
    from nitropilot.server.store.settings_store import SettingsStore

log = logging.getLogger("nitropilot.daemon")

SHORTEST_TOKEN = 16
"""Of a token that others than this machine may try to guess."""


def serve(options: ServeOptions) -> None:
    """Run the daemon (a REST API with tokens, for this machine only), or a policy server."""
    place = options.place()
    if options.policy_server:
        _serve_policy(options, place)
        return
    from nitropilot.server.daemon.starting import Start
    from nitropilot.server.sessions.local_inputs import LocalInputs
    from nitropilot.server.sessions.operating import open_registry

    start = Start(place)
    overrides = options.overrides()
    if options.log_level is None and logging.getLogger("nitropilot").level == logging.DEBUG:
        overrides.setdefault("log", {})["level"] = "debug"  # nitropilot --verbose serve
    registry = open_registry(overrides)
    with LocalInputs(registry):
        start.serve(registry, partial(say, registry.settings))


def token() -> None:
    """Print the daemon's token, making it if there is none yet."""
    typer.echo(load_or_create_token())


def _serve_policy(options: ServeOptions, place: Place) -> None:
    from nitropilot.agent.play.settings import Mode, PlaySettings
    from nitropilot.agent.session.steps import open_with_steps
    from nitropilot.engines import load_engine
    from nitropilot.server.daemon.serving import url_name
    from nitropilot.server.policy_server import ServiceOptions, run_service

    secret = options.server_token
    listener = _listen(place.host, place.port, secret)
    policy = DEFAULT if options.policy is None else options.policy

    def opened(steps: int | None) -> Engine:
        return load_engine(
            policy,
            engine=options.engine or "auto",
            device=options.device or "auto",
            precision=options.precision or "auto",
            max_batch=options.max_batch,
            steps=steps,
        )

    # Its clients may play in real time, and nobody knows here how many actions of a chunk.
    loaded = open_with_steps(opened, options.steps, policy, PlaySettings(mode=Mode.REALTIME))

    def announce() -> None:
        _say(f"The policy server listens on ws://{url_name(listener)}")
        _say(f"{loaded.spec.name} with {loaded.info.name} on {loaded.info.device}")
        if loaded.steps_reason:
            _say(f"{loaded.spec.steps} Euler steps, {loaded.steps_reason}")
        _say("Clients need the token" if secret else "Clients need no token")

    limits = ServiceOptions(secret, options.max_batch, options.max_clients)
    run_service(loaded, listener, limits, announce)


def _listen(host: str, port: int, secret: str) -> socket.socket:
    """A listening socket; beyond loopback only with a token that is hard to guess.

    Raises:
        HostRefused: The token is missing or short.
        ServerError: The token cannot be sent, or the address cannot be used.
    """
    from nitropilot.server.daemon.serving import listen

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
