"""Who asks, and what they may: tokens, browser sessions, scopes, and the guard in front."""

from __future__ import annotations

from nitropilot.server.auth.browser import BrowserSessions, Codes
from nitropilot.server.auth.guard import Access, AuthGuard
from nitropilot.server.auth.identity import Identity, Scope, identity_of
from nitropilot.server.auth.scopes import (
    ScopedRoute,
    ScopedWebSocketRoute,
    admin_only,
    allow,
    public,
)
from nitropilot.server.auth.tokens import TokenRecord, TokenStore, tokens_path

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
