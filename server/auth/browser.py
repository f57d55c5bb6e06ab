"""One-time codes and the cookie sessions they open.  All of it in memory, all of it bounded."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from nitropilot.server.auth.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.server.auth.identity import Scope

CODE_LIFETIME_S = 600.0
MAX_CODES = 16
SESSION_LIFETIME_S = 7 * 24 * 3600.0
MAX_SESSIONS = 64
SECRET_BYTES = 32


def _key(secret: str) -> bytes:
    """What a secret is found by: how long a look-up takes tells nothing about the secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Codes:
    """Codes that open one browser session each, within minutes.  Thread-safe.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    def issue(self) -> str:
        """A new code; of more than ``MAX_CODES`` the oldest stop working."""
        code = secrets.token_urlsafe(SECRET_BYTES)
        with self._lock:
            self._ends[_key(code)] = self._clock() + CODE_LIFETIME_S
            while len(self._ends) > MAX_CODES:
                self._ends.popitem(last=False)
        return code

    def redeem(self, code: str) -> bool:
        """Whether the code is good; it is not afterwards."""
        with self._lock:
            end = self._ends.pop(_key(code), None)
        return end is not None and self._clock() < end


class BrowserSessions:
    """The sessions behind cookies.  Thread-safe.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: OrderedDict[bytes, tuple[float, Identity]] = OrderedDict()

    def open(
        self, scope: Scope, token_id: str | None = None, still: Callable[[], bool] = lambda: True
    ) -> str:
        """A new session's secret, for the cookie; of too many the one longest unused ends.

        Args:
            scope: What it may do.
            token_id: The named token that it stands for, if any.
            still: Whether that token holds; the session ends with it.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        key = _key(secret)
        identity = Identity(
            "browser", scope, token_id, still=lambda: self._alive(key) and still(), session=key
        )
        with self._lock:
            self._sessions[key] = (self._clock() + SESSION_LIFETIME_S, identity)
            while len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        return secret

    def find(self, secret: str) -> Identity | None:
        """Whose session a cookie's value opens."""
        key = _key(secret)
        with self._lock:
            entry = self._sessions.get(key)
            if entry is not None:
                self._sessions.move_to_end(key)
        if entry is None:
            return None
        if not entry[1].valid():
            self.close(entry[1])
            return None
        return entry[1]

    def close(self, identity: Identity) -> None:
        """End a session; its WebSockets find their identity no longer valid."""
        with self._lock:
            self._sessions.pop(identity.session, None)

    def _alive(self, key: bytes) -> bool:
        with self._lock:
            entry = self._sessions.get(key)
        return entry is not None and self._clock() < entry[0]
