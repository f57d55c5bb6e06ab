"""Which scopes may use which route: every route says so, and one that does not cannot exist.

A route is declared where its function stands::

    @router.get("/sessions")
    @allow(Scope.DECK, Scope.OVERLAY)
    def list_sessions() -> ...

The check is made by the route itself, before its body is read.  So there is no list of paths
beside the router that could read a path in another way than the router does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from fastapi.routing import APIRoute, APIWebSocketRoute

from nitropilot.server.auth.identity import Scope, identity_of
from nitropilot.server.http.answers import error_answer, refuse
from nitropilot.server.http.lanes import on_its_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.routing import BaseRoute
    from starlette.types import Receive, Send
    from starlette.types import Scope as ConnectionScope

Endpoint = TypeVar("Endpoint", bound="Callable[..., Any]")

_declared: dict[Callable[..., Any], frozenset[Scope] | None] = {}


def allow(*scopes: Scope) -> Callable[[Endpoint], Endpoint]:
    """Declare that these scopes, and admin, may use a route."""

    def declare(endpoint: Endpoint) -> Endpoint:
        _declared[endpoint] = frozenset({Scope.ADMIN, *scopes})
        return endpoint

    return declare


def admin_only(endpoint: Endpoint) -> Endpoint:
    """Declare that only admin may use a route."""
    return allow()(endpoint)


def public(endpoint: Endpoint) -> Endpoint:
    """Declare that anybody who can connect may use a route; ``PUBLIC`` has to name it too."""
    _declared[endpoint] = None
    return endpoint


def scopes_of(endpoint: Callable[..., Any]) -> frozenset[Scope] | None:
    """The scopes that may use a route's function; None for everybody.

    Raises:
        RuntimeError: It does not say: a mistake of the program.
    """
    if endpoint not in _declared:
        raise RuntimeError(f"{endpoint!r} does not say which scopes may use it")
    return _declared[endpoint]


class ScopedRoute(APIRoute):
    """A route that admits the scopes its function declares, and exists only if it does.

    A plain function, which may wait, runs in a thread: see ``server.http.lanes``.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.scopes = scopes_of(endpoint)
        routed = on_its_way(endpoint, options["methods"], path)
        _declared[routed] = self.scopes
        super().__init__(path, routed, **options)

    async def handle(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if await _admitted(self.scopes, scope, receive, send):
            await super().handle(scope, receive, send)


class ScopedWebSocketRoute(APIWebSocketRoute):
    """The same for a WebSocket; append it to the application's ``router.routes``."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.scopes = scopes_of(endpoint)
        super().__init__(path, endpoint, **options)

    async def handle(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        """Pass the handshake on, or refuse it."""
        if await _admitted(self.scopes, scope, receive, send):
            await super().handle(scope, receive, send)


async def _admitted(
    scopes: frozenset[Scope] | None, scope: ConnectionScope, receive: Receive, send: Send
) -> bool:
    """Whether the caller may go on; has answered if not."""
    if scopes is None:
        return True
    identity = identity_of(scope)
    if identity is not None and identity.scope in scopes:
        return True
    has = f"a token of scope {identity.scope}" if identity else "a request without a token"
    wanted = " or ".join(sorted(scopes))
    answer = error_answer(
        403, "forbidden_scope", f"{has} may not do this", f"this needs scope {wanted}"
    )
    await refuse(scope, receive, send, answer)
    return False


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, those of included routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)  # how newer FastAPIs include a router
        if inner is None:
            yield route
        else:
            yield from all_routes(inner.routes)


def refuse_undeclared(routes: Iterable[BaseRoute]) -> None:
    """Fail closed: an application with any other kind of route does not start.

    Raises:
        RuntimeError: There is one, such as a mount or the framework's own pages.
    """
    for route in all_routes(routes):
        if not isinstance(route, ScopedRoute | ScopedWebSocketRoute):
            raise RuntimeError(f"{route!r} does not check who may use it")
