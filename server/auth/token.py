"""The bearer token: made at first start, kept in a file only the user can read."""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from nitropilot.server.errors import TokenFileError
from nitropilot.server.store.paths import config_folder
from nitropilot.server.store.private import refuse_if_shared

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
        refuse_if_shared(path)
        token = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise TokenFileError(
            f"cannot use the token file {path}: {error.strerror}",
            "make its folder yours to write, or name another one in NITROPILOT_CONFIG",
        ) from error
    except UnicodeDecodeError:
        token = ""
    if len(token) < TOKEN_BYTES or not token.isprintable():
        raise TokenFileError(
            f"there is no token in {path}", "delete the file; the next start makes a new one"
        )
    return token


def matches(given: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(), token.encode())


def _create(path: Path) -> None:
    """Write a new token beside, private from the first byte on, then give it its name.

    Of several first starts at once only one can give the name; all then read its token.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}-")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
        with suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        part.unlink()
