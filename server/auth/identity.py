"""``Identity``: whose request this is, for as long as that holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope as ConnectionScope


class Scope(StrEnum):
    """What a token is for."""

    ADMIN = "admin"
    """Everything."""
    DECK = "deck"
    """Buttons: see how sessions go, hand the game over and back, stop."""
    OVERLAY = "overlay"
    """See how sessions go, nothing else."""


@dataclass(frozen=True)
class Identity:
    """Who a request comes from.

    Attributes:
        kind: ``file`` for the daemon's own token, ``token`` for a named one, ``browser`` for
            a cookie.
        scope: What it may do.
        token_id: The named token behind it, or None for the daemon's own.
        still: Whether it holds; see ``valid``.
        session: Of a browser, the key of its session; never sent anywhere.
    """

    kind: Literal["file", "token", "browser"]
    scope: Scope
    token_id: str | None
    still: Callable[[], bool] = field(repr=False, compare=False)
    session: bytes = field(default=b"", repr=False)

    def valid(self) -> bool:
        """Whether it still holds.

        A connection that outlives its first request (a WebSocket) asks before it sends, and
        closes when this is false: its token was revoked, or its browser logged out.
        """
        return self.still()

    @property
    def budget(self) -> str:
        """Whose share of the request rate it uses."""
        return f"{self.kind} {self.token_id or ''}"


def identity_of(scope: ConnectionScope) -> Identity | None:
    """Who the guard found a connection to come from; None on public routes without a token."""
    found = scope.get("state", {}).get("identity")
    return found if isinstance(found, Identity) else None
