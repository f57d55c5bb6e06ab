"""``RemoteEngine``: a policy that runs on another machine, behind a policy server.

It speaks the openpi WebSocket wire (``engines.remote.wire``, docs/policy-server.md) with a server
that ``nitropilot serve --policy-server`` started.  The noise is drawn here and sent along,
so the actions are those that the server's engine would give on this machine.

A server that goes away raises ``ServerGone`` and is waited for (``engines.remote.link``).
"""

from __future__ import annotations

import math
import os
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from nitropilot.engines.base import ActionChunk, Engine, EngineInfo
from nitropilot.engines.batch import check_request
from nitropilot.engines.errors import EngineUnavailable
from nitropilot.engines.remote.connect import check_token, parse_address
from nitropilot.engines.remote.link import Link, Times
from nitropilot.engines.remote.messages import chunk_from, message_of
from nitropilot.engines.remote.wire import pack
from nitropilot.policy.errors import ObservationError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.engines.base import Request
    from nitropilot.engines.wish import Wish

TIMEOUT_VARIABLE = "NITROPILOT_SERVER_TIMEOUT"
PATIENCE_VARIABLE = "NITROPILOT_SERVER_PATIENCE"


class RemoteEngine(Engine):
    """Asks a policy server.

    Args:
        server: Its address, ``ws://HOST:PORT`` or ``wss://HOST:PORT``.
        token: What it asks of its clients, or "".
        reason: Why this engine was chosen.
        times: How long to wait for it.

    Raises:
        EngineUnavailable: It is not there, or is not what we can talk to.
    """

    def __init__(
        self,
        server: str,
        token: str = "",
        reason: str = "asked for",
        times: Times | None = None,
    ) -> None:
        address = parse_address(server)
        self._link = Link(address, check_token(token), times or Times())
        welcome = self._link.welcome
        self.spec = welcome.spec
        self.joins = "prefix" in welcome.features
        self._planes = "planes" in welcome.features
        self.info = EngineInfo(
            "remote",
            str(address),
            welcome.precision or "unknown",
            f"{reason}; the server runs {welcome.runs or 'an engine it does not name'}",
        )

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``, for one request.

        Raises:
            ServerGone: There is no server just now; asking again later may help.
            EngineUnavailable: Another server has come in its place.
        """
        if len(requests) != 1:
            raise ObservationError(f"{len(requests)} requests at once", "this engine takes 1")
        request = requests[0]
        check_request(self.spec, request)
        if request.prefix is not None and not self.joins:
            raise ObservationError("this server cannot join chunks", "leave the prefix out")
        began = time.perf_counter()
        answer = self._link.ask(pack(message_of(request, self._planes)))
        return [chunk_from(answer, self.spec, time.perf_counter() - began)]

    def close(self) -> None:
        """End the connection."""
        self._link.close()


def available(device: str) -> str:
    """What it would talk with."""
    return f"websockets {version('websockets')}"


def open_engine(wish: Wish, reason: str) -> RemoteEngine:
    """The engine behind ``wish.server``.

    Raises:
        EngineUnavailable: No server is named or there, or it runs another policy.
    """
    if not wish.server:
        raise EngineUnavailable("no policy server is named", "give --server ws://HOST:PORT")
    if wish.policy:
        raise EngineUnavailable(
            f"the policy {quoted(wish.policy)} cannot be chosen here: the server has its own",
            "leave --policy out",
        )
    if wish.steps is not None:
        raise EngineUnavailable(
            f"{wish.steps} steps cannot be chosen here: the policy server takes its own",
            "leave --steps out, or start the server with it",
        )
    default = Times()
    times = Times(
        _seconds(TIMEOUT_VARIABLE, default.answer_s),
        _seconds(PATIENCE_VARIABLE, default.patience_s),
    )
    return RemoteEngine(wish.server, wish.token, reason, times)


def _seconds(variable: str, default: float) -> float:
    text = os.environ.get(variable) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise EngineUnavailable(f"{variable} is {quoted(text)}", "use a number of seconds")
    return seconds
