"""The bearer token: made at first start, kept in a file only the user can read."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import sys
from pathlib import Path

from server.errors import TokenFileError
from server.paths import config_folder

TOKEN_BYTES = 32


def token_path() -> Path:
    """The file that holds the token."""
    return config_folder() / "token"


def load_or_create_token(path: Path | None = None) -> str:
    """The daemon's token.

    Raises:
        TokenFileError: The file cannot be made or read, is empty, or others can read it.
    """
    path = path or token_path()
    try:
        if not path.exists():
            _create(path)
        _refuse_if_shared(path)
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenFileError(f"cannot use the token file {path}: {error}") from error
    if len(token) < TOKEN_BYTES:
        raise TokenFileError(
            f"the token in {path} is too short ({len(token)} characters)",
            "delete the file; the next start makes a new one",
        )
    return token


def matches(given: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def _create(path: Path) -> None:
    """Write a new token beside, private from the first byte on, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
    part.replace(path)


def _refuse_if_shared(path: Path) -> None:
    if sys.platform == "win32":
        return  # the profile folder's access list keeps other users out
    status = path.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise TokenFileError(
            f"others can read the token file {path} (mode {stat.S_IMODE(status.st_mode):o})",
            f"delete it, or run: chmod 600 {path}",
        )
