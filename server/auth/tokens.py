"""``TokenStore``: named tokens with a scope, in a file beside the daemon's own token.

The file holds SHA-256 digests only: a token is 256 random bits, shown once when it is made,
and a digest of such a number cannot be guessed back.  A running daemon looks at the file's
date at every request, so what the command line revokes is refused from the next request on.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.server.auth.identity import Scope
from nitropilot.server.errors import TokenFileError, TokenNotFound, TokenRefused
from nitropilot.server.store.paths import config_folder
from nitropilot.server.store.private import locked, refuse_if_shared, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PREFIX = "np_"
"""Lets people, and scanners of published code, tell what such a line is."""
SECRET_BYTES = 32
MAX_TOKENS = 100
MAX_NAME = 64
SAVE_USE_AFTER = timedelta(minutes=5)
"""How old the saved time of last use may become before it is written again."""
VERSION = 1

log = logging.getLogger("nitropilot.auth")


@dataclass(frozen=True)
class TokenRecord:
    """What is kept about a token.

    Attributes:
        id: Names it in lists and for revoking; no secret.
        name: For people.
        scope: What it may do.
        digest: SHA-256 of the secret, hexadecimal.
        created: When, ISO 8601 in UTC.
        last_used: When, to a few minutes; None for never.
    """

    id: str
    name: str
    scope: Scope
    digest: str
    created: str
    last_used: str | None = None


def tokens_path() -> Path:
    """The file with the named tokens."""
    return config_folder() / "tokens.json"


def digest_of(secret: str) -> str:
    """The form in which a secret is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class TokenStore:
    """The named tokens of a file.  Thread-safe, and safe beside other processes.

    Args:
        path: The file; it need not exist.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or tokens_path()
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._records: tuple[TokenRecord, ...] = ()
        self._used: dict[str, datetime] = {}

    def load(self) -> tuple[TokenRecord, ...]:
        """All tokens, oldest first, read from the file now.

        Raises:
            TokenFileError: The file cannot be read, is damaged, or others can read it.
        """
        try:
            if not self.path.exists():
                return ()
            refuse_if_shared(self.path)
            return _parse(self.path)
        except OSError as error:
            raise self._unusable(error) from error

    def create(self, name: str, scope: Scope) -> tuple[TokenRecord, str]:
        """A new token and its secret, which is kept nowhere.

        Raises:
            TokenRefused: The name cannot be used, or there are too many tokens.
            TokenFileError: The file cannot be used.
        """
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise TokenRefused(
                f"{name!r} is no name for a token", f"use 1 to {MAX_NAME} printable characters"
            )
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        record = TokenRecord(
            secrets.token_hex(4), name, scope, digest_of(secret), _text(datetime.now(UTC))
        )

        def add(records: tuple[TokenRecord, ...]) -> Sequence[TokenRecord]:
            if len(records) >= MAX_TOKENS:
                raise TokenRefused(
                    f"there are {len(records)} tokens", "revoke those that nobody uses"
                )
            return (*records, record)

        self._change(add)
        return record, secret

    def revoke(self, token_id: str) -> TokenRecord:
        """Remove a token; running daemons refuse it from their next request on.

        Raises:
            TokenNotFound: There is none with that id.
            TokenFileError: The file cannot be used.
        """
        removed: list[TokenRecord] = []

        def remove(records: tuple[TokenRecord, ...]) -> Sequence[TokenRecord]:
            removed.extend(record for record in records if record.id == token_id)
            if not removed:
                raise TokenNotFound(
                    f"there is no token {token_id!r}", "list them with: nitropilot tokens list"
                )
            return [record for record in records if record.id != token_id]

        self._change(remove)
        return removed[0]

    def find(self, secret: str) -> TokenRecord | None:
        """The token with that secret; compares with every one, in constant time each."""
        given, found = digest_of(secret), None
        for record in self.current():
            if hmac.compare_digest(record.digest, given):
                found = record
        return found

    def has(self, token_id: str) -> bool:
        """Whether a token is there (still)."""
        return any(record.id == token_id for record in self.current())

    def current(self) -> tuple[TokenRecord, ...]:
        """All tokens, reading the file only if it has changed; none while it is unusable."""
        stamp = self._look()
        with self._lock:
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._records = self.load() if stamp else ()
                except TokenFileError as error:
                    self._records = ()
                    log.warning("no named token is accepted: %s", error.line())
            return self._records

    def listed(self) -> list[TokenRecord]:
        """All tokens with the newest time of use that is known here.

        Raises:
            TokenFileError: The file cannot be used.
        """
        with self._lock:
            return [_used_at(record, self._used.get(record.id)) for record in self.load()]

    def touch(self, record: TokenRecord) -> None:
        """Note that a token was used, and now and then write it down.

        Never waits: while another process writes, the next use will do.
        """
        now = datetime.now(UTC)
        saved = _time(record.last_used)
        due = saved is None or now - saved >= SAVE_USE_AFTER
        with self._lock:
            self._used[record.id] = now
        if due:
            self.save_uses()

    def save_uses(self) -> None:
        """Write down when tokens were used last, if that can be done at once."""
        with self._lock:
            used, self._used = self._used, {}
        if not used:
            return
        try:
            self._change(lambda records: [_used_at(r, used.get(r.id)) for r in records], 0)
        except (TokenFileError, TimeoutError):
            with self._lock:
                self._used = used | self._used

    def _change(
        self,
        change: Callable[[tuple[TokenRecord, ...]], Sequence[TokenRecord]],
        patience_s: float | None = None,
    ) -> None:
        patience = {} if patience_s is None else {"patience_s": patience_s}
        try:
            with locked(self.path, **patience):
                records = change(self.load())
                body = {"version": VERSION, "tokens": [asdict(record) for record in records]}
                write_private(self.path, json.dumps(body, indent=1) + "\n")
        except OSError as error:
            raise self._unusable(error) from error

    def _look(self) -> tuple[int, int, int] | None:
        """What changes when the file does; None without one."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _unusable(self, error: OSError) -> TokenFileError:
        return TokenFileError(
            f"cannot use the token file {self.path}: {error.strerror or error}",
            "make its folder yours to write, or name another one in NITROPILOT_CONFIG",
        )


def _parse(path: Path) -> tuple[TokenRecord, ...]:
    try:
        body: Any = json.loads(path.read_text(encoding="utf-8"))
        if body["version"] != VERSION:
            raise ValueError(f"version {body['version']!r}")
        return tuple(_record(entry) for entry in body["tokens"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TokenFileError(
            f"the token file {path} is damaged ({type(error).__name__})",
            "delete it and create the tokens again",
        ) from None


def _record(entry: dict[str, Any]) -> TokenRecord:
    record = TokenRecord(**{**entry, "scope": Scope(entry["scope"])})
    texts = (record.id, record.name, record.digest, record.created)
    if not all(isinstance(text, str) for text in texts) or len(bytes.fromhex(record.digest)) != 32:
        raise ValueError("a token has fields of the wrong kind")
    _time(record.created)
    _time(record.last_used)
    return record


def _used_at(record: TokenRecord, when: datetime | None) -> TokenRecord:
    saved = _time(record.last_used)
    if when is None or (saved is not None and saved >= when):
        return record
    return replace(record, last_used=_text(when))


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
