"""Who asks, and what they may: tokens, browser sessions, scopes, and the guard in front."""

from __future__ import annotations

from server.auth.browser import BrowserSessions, Codes
from server.auth.guard import Access, AuthGuard
from server.auth.identity import Identity, Scope, identity_of
from server.auth.scopes import (
    ScopedRoute,
    ScopedWebSocketRoute,
    admin_only,
    allow,
    public,
)
from server.auth.tokens import TokenRecord, TokenStore, tokens_path

__all__ = [
    "Access",
    "AuthGuard",
    "BrowserSessions",
    "Codes",
    "Identity",
    "Scope",
    "ScopedRoute",
    "ScopedWebSocketRoute",
    "TokenRecord",
    "TokenStore",
    "admin_only",
    "allow",
    "identity_of",
    "public",
    "tokens_path",
]
