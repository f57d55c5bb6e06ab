"""The ASGI guard that finds out who asks, and lets nobody else near the application.

Three things can say who asks: the daemon's own token and named tokens, both in the
Authorization header, and the cookie of a browser session.  A browser sends a cookie by
itself, so with one a request that acts, and a WebSocket, also has to show an Origin of ours;
``OwnNamesOnly`` has compared it, here it must not be missing.  A header is never sent by
itself, so it needs none.  When there is a header the cookie does not count.

All secrets are 256 random bits: no rate of guesses finds one.  The limit on failures keeps
guessers from using up the machine and says 429; it never stops a request with a right secret,
or any program here, and any page that makes the browser ask, could lock the user out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nitropilot.server.auth.browser import SESSION_LIFETIME_S, BrowserSessions, Codes
from nitropilot.server.auth.identity import Identity, Scope
from nitropilot.server.auth.token import matches
from nitropilot.server.auth.tokens import TokenStore
from nitropilot.server.http.answers import error_answer, refuse
from nitropilot.server.http.hardening import header_values
from nitropilot.server.http.lanes import is_urgent
from nitropilot.server.http.limits import Buckets, client_key
from nitropilot.server.pages.files import PUBLIC_FILES

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as ConnectionScope

    from nitropilot.server.http.hosts import HostRules

PUBLIC = frozenset({"/", "/api/version", "/healthz", "/api/v1/events"}) | PUBLIC_FILES
"""The only paths that need no token; a test compares them with what the routes declare.

The events are a WebSocket whose first message has to bring one (``server.events``), the files
are the pages that show what it tells (``server.pages.files``)."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
REQUESTS_PER_S = 500.0
REQUEST_BURST = 1000.0
FAILURES_PER_S = 0.2
FAILURE_BURST = 20.0
MAX_COOKIES = 4
"""Of our name; another server on this host can set some, but not make a right one."""
SAME_SITE_ENOUGH = frozenset({"same-origin", "none"})
"""``Sec-Fetch-Site`` of our own pages and of what a user types.  Cookies do not know ports,
so to a browser any other server on this host is the same site."""


@dataclass
class Access:
    """Everything about who may come in.

    Attributes:
        rules: Which Host and Origin values are ours.
        token: The daemon's own token.
        tokens: The named ones.
        codes: Codes that open browser sessions.
        sessions: Those sessions.
        requests: Requests a second, by who asks.
        failures: Wrong secrets, by address.
    """

    rules: HostRules
    token: str = field(repr=False)
    tokens: TokenStore = field(default_factory=TokenStore)
    codes: Codes = field(default_factory=Codes)
    sessions: BrowserSessions = field(default_factory=BrowserSessions)
    requests: Buckets = field(default_factory=lambda: Buckets(REQUESTS_PER_S, REQUEST_BURST))
    failures: Buckets = field(default_factory=lambda: Buckets(FAILURES_PER_S, FAILURE_BURST))

    @property
    def cookie(self) -> str:
        """The cookie's name: with the port, as cookies do not tell the ports of a host apart.

        Under TLS browsers take this name only with Secure, ``Path=/`` and no domain.
        """
        prefix = "__Host-" if self.rules.scheme == "https" else ""
        return f"{prefix}nitropilot-{self.rules.port}"

    def set_cookie(self, secret: str) -> str:
        """The Set-Cookie header that begins a session, or with "" ends it."""
        age = int(SESSION_LIFETIME_S) if secret else 0
        secure = "; Secure" if self.rules.scheme == "https" else ""
        return f"{self.cookie}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"

    def by_header(self, values: list[str]) -> Identity | None:
        """Who the Authorization headers say that it is."""
        if len(values) != 1:
            return None
        scheme, _, secret = values[0].partition(" ")
        secret = secret.strip()
        return self.by_secret(secret) if scheme.lower() == "bearer" else None

    def by_secret(self, secret: str) -> Identity | None:
        """Whose token it is, the daemon's own or a named one."""
        if not secret or not secret.isascii():
            return None
        if matches(secret, self.token):
            return Identity("file", Scope.ADMIN, None, still=lambda: True)
        record = self.tokens.find(secret)
        if record is None:
            return None
        self.tokens.touch(record)
        name = record.id
        return Identity("token", record.scope, name, still=lambda: self.tokens.has(name))

    def by_cookie(self, values: list[str]) -> Identity | None:
        """Whose session the Cookie headers open."""
        for secret in values[:MAX_COOKIES]:
            if found := self.sessions.find(secret):
                return found
        return None


class AuthGuard:
    """Puts ``identity`` into the connection's state, or answers 401, 403 or 429.

    Args:
        app: The application behind; its routes check the scope.
        access: Who may come in.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        identity, answer = self._identify(scope)
        if answer is None:
            answer = self._in_budget(scope, identity)
        if answer is None and identity is None and scope["path"] not in PUBLIC:
            answer = _unauthorized()
        if answer is not None:
            await refuse(scope, receive, send, answer)
            return
        scope.setdefault("state", {})["identity"] = identity
        await self.app(scope, receive, send)

    def _identify(self, scope: ConnectionScope) -> tuple[Identity | None, Response | None]:
        """Who asks, or the answer to one who only pretends."""
        headers = header_values(scope, b"authorization")
        if headers:
            found = self.access.by_header(headers)
            return found, None if found else self._failed(scope)
        cookies = _cookies(header_values(scope, b"cookie"), self.access.cookie)
        if not cookies or not _from_our_site(scope):
            return None, None
        found = self.access.by_cookie(cookies)
        if found is None:
            return None, None if scope["path"] in PUBLIC else self._failed(scope)
        acts = scope["type"] == "websocket" or scope["method"] not in READING
        if acts and not header_values(scope, b"origin"):
            return None, error_answer(
                403,
                "forbidden_origin",
                "with a cookie this needs an Origin",
                "programs send the header Authorization: Bearer TOKEN instead",
            )
        return found, None

    def _failed(self, scope: ConnectionScope) -> Response:
        wait = self.access.failures.take(client_key(scope))
        if wait == 0:
            return _unauthorized()
        return too_many("too_many_failures", "too many wrong tokens came from there", wait)

    def _in_budget(self, scope: ConnectionScope, identity: Identity | None) -> Response | None:
        key = identity.budget if identity else client_key(scope)
        if is_urgent(scope.get("method", ""), scope["path"]):  # has a share of its own
            key = f"{key} urgent"
        wait = self.access.requests.take(key)
        return too_many("too_many_requests", "too many requests", wait) if wait else None


def too_many(code: str, message: str, wait_s: float) -> Response:
    """The answer to one too many, with when to come again."""
    seconds = max(1, math.ceil(wait_s))
    return error_answer(
        429, code, message, f"come again in {seconds} s", {"Retry-After": str(seconds)}
    )


def _unauthorized() -> Response:
    return error_answer(
        401,
        "unauthorized",
        "this needs the daemon's token",
        "send the header Authorization: Bearer TOKEN; `nitropilot token` prints it",
        {"WWW-Authenticate": "Bearer"},
    )


def _cookies(headers: list[str], name: str) -> list[str]:
    """All values of our cookie, which may come several times."""
    found = []
    for header in headers:
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name and value:
                found.append(value)
    return found


def _from_our_site(scope: ConnectionScope) -> bool:
    """Whether the browser, if it says, asks for our own page or for the user."""
    values = header_values(scope, b"sec-fetch-site")
    return all(value.strip().lower() in SAME_SITE_ENOUGH for value in values)
