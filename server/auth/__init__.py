"""Who asks, and what they may: tokens, browser sessions, scopes, and the guard in front.

Importing this package is cheap; its parts load when first used: a command that reads the token
has no use for a web server.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
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
else:
    _LATE = {
        "browser": ("BrowserSessions", "Codes"),
        "guard": ("Access", "AuthGuard"),
        "identity": ("Identity", "Scope", "identity_of"),
        "scopes": ("ScopedRoute", "ScopedWebSocketRoute", "admin_only", "allow", "public"),
        "tokens": ("TokenRecord", "TokenStore", "tokens_path"),
    }
    _HOME = {name: module for module, names in _LATE.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
