"""Start the daemon: decide where it listens and whom it lets in, say so, and serve."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.server.auth import Access, TokenStore
from nitropilot.server.auth.token import load_or_create_token, token_path
from nitropilot.server.daemon.serving import listen, run
from nitropilot.server.errors import CertificateError, HostRefused
from nitropilot.server.host.running import announce, withdraw
from nitropilot.server.http.hosts import LOOPBACK_NAMES, HostRules, bracketed, parse_origins
from nitropilot.server.http.tls import Tls, given, self_made

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.server.sessions.registry import SessionRegistry


@dataclass(frozen=True)
class Place:
    """Where to listen, and how.

    Attributes:
        host: Address, or ``localhost``.
        port: Port, 0 for a free one.
        allow_lan: Whether the user said that other machines may come.
        origins: Further origins under which the daemon is reached.
        tls: Whether to speak TLS; None: beyond loopback.
        certificate: PEM file to use for it, or None for one of our own.
        key: Its key.
    """

    host: str
    port: int
    allow_lan: bool = False
    origins: str = ""
    tls: bool | None = None
    certificate: Path | None = None
    key: Path | None = None


class Start:
    """A daemon that listens, and does not serve yet.

    Args:
        place: Where.

    Raises:
        HostRefused: Others could come, and the user did not say that they may.
        CertificateError, TokenFileError: TLS or the tokens cannot be used.
        ServerError: The address cannot be listened on.
    """

    def __init__(self, place: Place) -> None:
        origins = parse_origins(place.origins)
        if (place.certificate is None) != (place.key is None):
            raise CertificateError(
                "a certificate goes with a key", "give both --tls-cert and --tls-key"
            )
        if place.tls is False and place.certificate is not None:
            raise CertificateError("--no-tls goes with no certificate", "leave one of them out")
        # First the address: a start that fails because of it should leave no files.
        self._listener = listen_where_allowed(place)
        try:
            self._address, self._port = self._listener.getsockname()[:2]
            self.beyond = not ipaddress.ip_address(self._address).is_loopback
            token = load_or_create_token()
            tokens = TokenStore()
            tokens.load()
            names = names_of_this_machine(self._address) if self.beyond else []
            self._names = [name for name in names if name not in LOOPBACK_NAMES]
            self.tls = _tls(
                place, self.beyond, [*names, *sorted({o.authority.name for o in origins})]
            )
            self._context = self.tls.context() if self.tls else None
            rules = HostRules(
                self._address, self._port, secure=self.tls is not None, names=names,
                origins=origins,
            )  # fmt: skip
            self._access = Access(rules, token, tokens)
        except BaseException:
            self._listener.close()
            raise

    @property
    def url(self) -> str:
        """Where programs on this machine reach it."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._address, self._address)  # noqa: S104
        return f"{self._access.rules.scheme}://{bracketed(here)}:{self._port}"

    def serve(self, registry: SessionRegistry, say: Callable[[str], None]) -> None:
        """Serve until a signal comes.

        Args:
            registry: The sessions.
            say: Prints a line for the user.

        Raises:
            ServerError: The file that tells other commands of it cannot be written.
        """
        from nitropilot.server.daemon.app import create_app

        app = create_app(registry, self._access)
        announce(self.url, self.tls.fingerprint if self.tls else "")
        try:
            self._introduce(say)
            run(app, self._listener, registry, self._context)
        finally:
            self._access.tokens.save_uses()
            withdraw()

    def _introduce(self, say: Callable[[str], None]) -> None:
        say(f"NitroPilot listens on {self.url}/api/v1")
        if self.beyond:
            say(f"Other machines reach it too, as {', '.join(self._names)}")
        if self.tls:
            made = "own certificate" if self.tls.own else "certificate"
            say(f"The {made} has the SHA-256 fingerprint {self.tls.fingerprint}")
        elif self.beyond:
            say("WARNING: without TLS everybody on the network can read the tokens")
        say(f"The token is in {token_path()}")
        say(f"Open in a browser, once, within 10 minutes: {self.url}/?code={self._code()}")

    def _code(self) -> str:
        return self._access.codes.issue()


def listen_where_allowed(place: Place) -> socket.socket:
    """A listening socket, beyond loopback only if the user said so.

    Raises:
        HostRefused: The user did not, or it is no address.
        ServerError: The address cannot be listened on.
    """
    try:
        return listen(place.host, place.port, beyond="--allow-lan" if place.allow_lan else "")
    except HostRefused as error:
        hint = "use 127.0.0.1 or ::1, or add --allow-lan to let other machines come"
        raise HostRefused(str(error), hint) from None


def names_of_this_machine(address: str) -> list[str]:
    """The names and addresses that other machines may reach a bound address by.

    Args:
        address: What is listened on; for all interfaces, the addresses of all.
    """
    import psutil

    if address not in ("0.0.0.0", "::"):  # noqa: S104
        addresses = {address}
    else:
        found = (
            a.address
            for each in psutil.net_if_addrs().values()
            for a in each
            if a.family in (socket.AF_INET, socket.AF_INET6)
        )
        addresses = {text.partition("%")[0] for text in found if "%" not in text}
    host = socket.gethostname().lower().rstrip(".")
    names = {host, f"{host.partition('.')[0]}.local"} if host.isascii() and host else set()
    return sorted(addresses) + sorted(names)


def _tls(place: Place, beyond: bool, names: list[str]) -> Tls | None:
    if place.certificate is not None and place.key is not None:
        return given(place.certificate, place.key)
    wanted = beyond if place.tls is None else place.tls
    return self_made(["localhost", "127.0.0.1", "::1", *names]) if wanted else None
