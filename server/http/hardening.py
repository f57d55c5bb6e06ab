"""The first ASGI guard: requests that do not name this daemon, or come from another's page.

What a Host and an Origin may be is in ``server.http.hosts``; both are looked at before anything
else of a request (invariant 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.server.http.answers import error_answer, refuse
from nitropilot.server.http.limits import MAX_BODY, BodyLimit

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from nitropilot.server.http.hosts import HostRules

__all__ = ["MAX_BODY", "BodyLimit", "OwnNamesOnly", "header_values", "loopback_hosts"]


def loopback_hosts(listens_on: str) -> frozenset[str]:
    """The Host values that a request to a loopback address may carry.

    Args:
        listens_on: Address and port as in a URL, such as ``127.0.0.1:6487``.
    """
    port = listens_on.rpartition(":")[2]
    names = {listens_on} | {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    if port == "80":  # clients leave out the port that is HTTP's own
        names |= {name.removesuffix(":80") for name in names}
    return frozenset(names)


class OwnNamesOnly:
    """Refuses requests whose Host or Origin is not this daemon's own.

    Args:
        app: The application behind.
        rules: Which are.
    """

    def __init__(self, app: ASGIApp, rules: HostRules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        hosts, origins = header_values(scope, b"host"), header_values(scope, b"origin")
        local = scope.get("server")
        host = self.rules.host(hosts, local[0] if local else None)
        if host is None:
            named = ", ".join(hosts) or "no host"
            answer = _forbidden(f"{named} is not this daemon's Host")
        elif len(origins) > 1 or not all(self.rules.origin(text, host) for text in origins):
            answer = _forbidden(f"pages of {', '.join(origins)} may not ask this")
        else:
            scope.setdefault("state", {})["host"] = host
            await self.app(scope, receive, send)
            return
        await refuse(scope, receive, send, answer)


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Every value of a header, whose name is given in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _forbidden(message: str) -> Response:
    return error_answer(
        403,
        "forbidden_origin",
        message,
        "use the address that the daemon printed, or start it with --origin for another name",
    )
