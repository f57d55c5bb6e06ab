"""Reach a policy server: its address, the handshake, and its first words."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from nitropilot.engines.errors import EngineUnavailable, WireError
from nitropilot.engines.remote.spec import welcome_from
from nitropilot.engines.remote.wire import Limits, unpack
from nitropilot.policy.errors import quoted

if TYPE_CHECKING:
    from nitropilot.engines.remote.spec import Welcome

CONNECT_S = 10.0
"""For the connection with its handshake, and then for the server's first words."""
PING_S = 2.0
PONG_S = 6.0
"""A server whose machine or cable is dead is noticed after so long."""
CLOSE_S = 1.0
MESSAGE_BYTES = 4 * 2**20
WELCOME_LIMITS = Limits(size=MESSAGE_BYTES, items=20_000)
BUSY = (408, 425, 429, 500, 502, 503, 504)
"""HTTP answers that may be others a little later."""
START = "`nitropilot serve --policy-server` starts one"

_quiet = logging.getLogger("nitropilot.engines.websockets")
_quiet.setLevel(logging.CRITICAL + 1)  # whatever happens there reaches us as an exception


class Absent(Exception):
    """There is no server just now, or it takes no more clients.

    Args:
        reason: Why, in a few words.
        hint: What to do about it.
    """

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True)
class Address:
    """Where a policy server is.

    Attributes:
        uri: With the scheme ``ws`` or ``wss``.
        host: Its name or IP address.
    """

    uri: str
    host: str

    def __str__(self) -> str:
        return self.uri.split("?")[0].rstrip("/")

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host == "localhost"
        # Only newer Pythons see that ::ffff:127.0.0.1 is this machine.
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def parse_address(text: str) -> Address:
    """Read ``ws://HOST:PORT`` or ``wss://HOST:PORT``, with a path if need be.

    Raises:
        EngineUnavailable: It is something else.
    """
    hint = "give it as ws://HOST:PORT, or wss://HOST:PORT behind a TLS proxy"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise EngineUnavailable(f"{quoted(text)} is no server address", hint)
    try:
        parts = urlsplit(text)
        bad = parts.scheme not in ("ws", "wss") or not parts.hostname or parts.port == 0
    except ValueError:
        bad = True
    if bad:
        raise EngineUnavailable(f"{quoted(text)} is no server address", hint)
    if parts.username is not None or parts.fragment:
        raise EngineUnavailable(
            "the server address has a user name or a #part", "give a token with --server-token"
        )
    assert parts.hostname is not None
    return Address(text, parts.hostname)


def check_token(token: str) -> str:
    """``token`` if it can be sent.

    Raises:
        EngineUnavailable: It has characters that an HTTP header has no room for.
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise EngineUnavailable(
            "the server token has characters that cannot be sent", "check NITROPILOT_SERVER_TOKEN"
        )
    return token


async def reach(address: Address, token: str) -> tuple[ClientConnection, Welcome]:
    """Connect and hear what the server says first.

    Raises:
        Absent: It is not there.
        EngineUnavailable: It is there, and is not for us.
    """
    try:
        connection = await connect(
            address.uri,
            compression=None,
            additional_headers={"Authorization": f"Bearer {token}"} if token else None,
            proxy=None if address.is_loopback else True,
            open_timeout=CONNECT_S,
            ping_interval=PING_S,
            ping_timeout=PONG_S,
            close_timeout=CLOSE_S,
            max_size=MESSAGE_BYTES,
            logger=_quiet,
        )
    except InvalidStatus as error:
        raise _turned_away(address, error.response.status_code, bool(token)) from None
    except InvalidURI as error:
        raise EngineUnavailable(str(error), "give ws://HOST:PORT") from None
    except (OSError, EOFError, ValueError, ImportError, WebSocketException) as error:
        raise _unreachable(error) from error
    try:
        async with asyncio.timeout(CONNECT_S):
            first = await connection.recv()
        if isinstance(first, str):
            raise WireError("its first message is a text")
        return connection, welcome_from(unpack(first, WELCOME_LIMITS))
    except WireError as error:
        connection.transport.abort()
        raise EngineUnavailable(f"{address}: {error}", error.hint) from None
    except (TimeoutError, ConnectionClosed) as error:
        connection.transport.abort()
        raise _unreachable(error) from error
    except asyncio.CancelledError:
        connection.transport.abort()
        raise


def _unreachable(error: Exception) -> Absent:
    if isinstance(error, TimeoutError):
        reason = "no answer in time"
    else:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Absent(reason, f"is it running, and the address right? {START}")


def _turned_away(address: Address, status: int, has_token: bool) -> EngineUnavailable | Absent:
    if status in BUSY:
        return Absent(
            f"it takes no more clients now (HTTP {status})",
            "try again later, or let it take more with --max-clients",
        )
    if status == 401:
        return EngineUnavailable(
            f"{address} {'does not know this token' if has_token else 'asks for a token'}",
            "give it with --server-token or NITROPILOT_SERVER_TOKEN",
        )
    return EngineUnavailable(
        f"{address} answers with HTTP {status}", f"is a policy server there? {START}"
    )
