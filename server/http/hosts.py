"""Names and addresses: what a Host and an Origin may be, and what ``NITROPILOT_HOST`` takes.

A web page that rebinds its DNS name to this machine sends its own name as Host, and a
cross-site request carries its own Origin (Ollama's CVE-2024-28224 was that).  So both are
parsed strictly, brought into one spelling, and compared with the few that are ours.  Names
are never looked up: what they mean can change between the check and the use.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.server.errors import HostRefused, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 6487
SCHEME_PORTS = {"http": 80, "https": 443}
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
MAX_NAME = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label like that makes browsers read a name as an address, as in ``127.1``."""


@dataclass(frozen=True)
class Authority:
    """A host and a port in their one spelling: lower case, no brackets, no leading zeros."""

    name: str
    port: int

    def __str__(self) -> str:
        """As in a URL, the port always given."""
        return f"{bracketed(self.name)}:{self.port}"


def bracketed(name: str) -> str:
    """A host as it stands in a URL."""
    return f"[{name}]" if ":" in name else name


def parse_authority(text: str, scheme: str = "http") -> Authority | None:
    """A Host header's value, or None for anything that no plain client of ours would send.

    Refused are user names, paths, lists, empty ports, trailing dots, zone ids, and addresses
    in other spellings than a browser's own (``127.1``, ``0x7f000001``, ``2130706433``).

    Args:
        text: The value.
        scheme: Gives the port where none is named.
    """
    if not text.isascii():
        return None
    name, port = _split(text.lower())
    if name is None or (port and not _PORT.fullmatch(port)):
        return None
    number = int(port) if port else SCHEME_PORTS[scheme]
    return Authority(name, number) if 1 <= number <= 65535 else None


def _split(text: str) -> tuple[str | None, str]:
    """The canonical name, or None, and the port's text, empty for none."""
    if text.startswith("["):
        inside, bracket, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
        if not bracket or (rest and (rest == port or not port)):
            return None, ""
        return _v6(inside), port
    name, colon, port = text.partition(":")
    if colon and not port:
        return None, ""
    return _name_or_v4(name), port


def _v6(text: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return None if address.scope_id else _spelled(address)


def _spelled(address: ipaddress.IPv6Address) -> str:
    """In one spelling: of an IPv4 address in IPv6, ``::ffff:7f00:1``, Python 3.13 has another."""
    if (mapped := address.ipv4_mapped) is None:
        return address.compressed
    high, low = divmod(int(mapped), 1 << 16)
    return f"::ffff:{high:x}:{low:x}"


def _name_or_v4(text: str) -> str | None:
    labels = text.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            return None
    good = len(text) <= MAX_NAME and all(_LABEL.fullmatch(label) for label in labels)
    return text if good else None


@dataclass(frozen=True)
class Origin:
    """Where a page comes from: scheme, host and port."""

    scheme: str
    authority: Authority

    def __str__(self) -> str:
        """As browsers write it, but with the port always given."""
        return f"{self.scheme}://{self.authority}"


def parse_origin(text: str) -> Origin | None:
    """An Origin header's value; None for ``null``, files, extensions and anything malformed."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in SCHEME_PORTS:
        return None
    authority = parse_authority(rest, scheme)
    return Origin(scheme, authority) if authority else None


def parse_origins(text: str) -> list[Origin]:
    """The value of ``NITROPILOT_ORIGINS``: origins between commas or spaces.

    Raises:
        HostRefused: One is none.
    """
    found = []
    for part in re.split(r"[\s,]+", text.strip(" ,\t\r\n")):
        if not part:
            continue
        origin = parse_origin(part)
        if origin is None:
            raise HostRefused(
                f"{part!r} is not an origin", "write it as http://name:port or https://name:port"
            )
        found.append(origin)
    return found


class HostRules:
    """Which Host and Origin values are this daemon's own.

    Args:
        address: The address it listens on.  Of all interfaces, that is no name: a page may
            send it as Host, and on some systems reaches loopback by it.
        port: The port.
        secure: Whether it speaks TLS.
        names: Further names of this machine.
        origins: Origins whose pages are the daemon's own too, such as a proxy's; their hosts
            are accepted as Host.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        secure: bool = False,
        names: Iterable[str] = (),
        origins: Iterable[Origin] = (),
    ) -> None:
        self.scheme = "https" if secure else "http"
        self.port = port
        own = {_plain(address), *LOOPBACK_NAMES, *names} - {"0.0.0.0", "::"}  # noqa: S104
        extra = tuple(origins)
        self.hosts = frozenset(Authority(name.lower(), port) for name in own)
        self.origins = frozenset(extra)
        self._further = frozenset(origin.authority for origin in extra)

    def host(self, values: list[str], local: str | None = None) -> Authority | None:
        """The host that a request names, if it is this daemon.

        A Host that is the very address the request came to is ours too: a page that rebinds
        has a name for an origin, never an address.

        Args:
            values: Every Host header of the request.
            local: The address of our end of the connection.
        """
        if len(values) != 1:
            return None
        found = parse_authority(values[0], self.scheme)
        here = Authority(_plain(local), self.port) if local else None
        if found in self.hosts or (found is not None and found == here):
            return found
        # A proxy that speaks TLS for us is named without a port too, and that is 443 then.
        for origin in self.origins:
            if parse_authority(values[0], origin.scheme) == origin.authority:
                return origin.authority
        return None

    def origin(self, text: str, host: Authority) -> bool:
        """Whether a page of that origin is this daemon's own.

        Args:
            text: The Origin header's value.
            host: The request's own host, as ``host`` found it.
        """
        origin = parse_origin(text)
        if origin is None:
            return False
        own = origin.authority in self.hosts or (
            origin.authority == host and host not in self._further
        )
        return (own and origin.scheme == self.scheme) or origin in self.origins


def _plain(address: str) -> str:
    """An address as ``Authority`` spells it; IPv4 clients of an IPv6 socket are IPv4."""
    try:
        return str(parse_address(address))
    except ValueError:
        return address


def parse_address(text: str) -> IPAddress:
    """An address; an IPv4 one in IPv6 is that IPv4 one, also where Python tells them apart.

    Raises:
        ValueError: It is none.
    """
    address: IPAddress = ipaddress.ip_address(text)
    return (address.ipv4_mapped if address.version == 6 else None) or address


def parse_bind(text: str, port: int | None = None) -> tuple[str, int]:
    """Where to listen: ``host``, ``host:port``, ``[v6]``, ``[v6]:port``, ``v6`` or ``:port``.

    Args:
        text: The value of ``NITROPILOT_HOST`` or ``--host``.
        port: The value of ``NITROPILOT_PORT`` or ``--port``, if given.

    Returns:
        An address (or what ``listen`` will refuse as one) and a port.

    Raises:
        HostRefused: It has none of these forms.
        ServerError: Both name a port, and not the same.
    """
    host, own = _split_bind(text)
    if own and not _PORT.fullmatch(own):
        raise HostRefused(f"{text!r} names no port", "write host:port or [address]:port")
    if own and port is not None and int(own) != port:
        raise ServerError(
            f"the host {text!r} names port {own}, the port option {port}", "give the port once"
        )
    return host, int(own) if own else DEFAULT_PORT if port is None else port


def _split_bind(text: str) -> tuple[str, str]:
    if "://" in text or "/" in text or "@" in text:
        raise HostRefused(f"{text!r} is more than a host", "write host:port, without http://")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or rest == ":" or ":" not in host:
            raise HostRefused(f"{text!r} is not an address", "write it as [::1]:6487")
        return host, rest[1:]
    if text.count(":") > 1:
        return text, ""
    host, colon, port = text.partition(":")
    if colon and not port:
        raise HostRefused(f"{text!r} names no port", "write host:port or :port")
    return (host or DEFAULT_HOST) if colon else host, port
