"""Private files in memory, for a page that two processes of one user share."""

from __future__ import annotations

import mmap
import os
import stat
import sys
import uuid
from pathlib import Path

import psutil

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.ledger.heal import PAGE_PREFIX
from nitropilot.controller.ledger.places import is_private

PAGE_BYTES = 4096


def new_page_path() -> Path:
    """A name that no page has yet, where only this user can make files, in memory.

    Raises:
        PadUnavailable: Not on Linux, or there is no private place in memory.
    """
    _user()
    return _private_folder() / f"{PAGE_PREFIX}{uuid.uuid4().hex}"


def named_in(pid: int, variable: str) -> Path | None:
    """The page that a variable of a running process names, if it is still there."""
    try:
        name = psutil.Process(pid).environ().get(variable)
    except psutil.Error:
        return None
    return Path(name) if name and Path(name).exists() else None


def create_page_file(path: Path, content: bytes, what: str = "pad page") -> mmap.mmap:
    """Make a file of one page that only this user can open, and map it.

    Raises:
        PadUnavailable: It cannot be made.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # Written, not truncated to size: a full file system must fail here,
            # not as SIGBUS in the game.
            os.write(fd, content.ljust(PAGE_BYTES, b"\0"))
            return mmap.mmap(fd, PAGE_BYTES)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(fd)
    except OSError as error:
        raise PadUnavailable(
            f"cannot make a {what} in {path.parent}: {error.strerror}",
            f"make room in {path.parent}",
        ) from error


def open_page_file(path: Path, what: str = "pad page") -> mmap.mmap:
    """Map a page made earlier, as it is.

    Raises:
        PadUnavailable: Not on Linux, there is no such file, or it is not this user's own.
    """
    if sys.platform == "linux":
        hint = "launch the game again with NitroPilot"
        try:
            # Neither follow a link somewhere else nor wait for the other end of a pipe.
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                problem = _foreign(os.fstat(fd))
                if not problem:
                    return mmap.mmap(fd, PAGE_BYTES)
            finally:
                os.close(fd)
        except OSError as error:
            raise PadUnavailable(f"cannot open {what} {path}: {error.strerror}", hint) from error
        raise PadUnavailable(f"{path} is no {what}: {problem}", hint)
    raise _linux_only()


def _private_folder() -> Path:
    """Where only this user can make, list or replace files, in memory."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and is_private(Path(runtime)):
        return Path(runtime)
    folder = Path(f"/dev/shm/nitropilot-{_user()}")  # noqa: S108
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PadUnavailable(
            f"cannot make {folder}: {error.strerror}", "set XDG_RUNTIME_DIR to a folder of mode 700"
        ) from error
    if not is_private(folder):
        raise PadUnavailable(
            f"{folder} is not a private folder of this user", "remove it, or set XDG_RUNTIME_DIR"
        )
    return folder


def _foreign(info: os.stat_result) -> str:
    """Why a file cannot be a page of this user; empty if it can."""
    if not stat.S_ISREG(info.st_mode):
        return "not a regular file"
    if info.st_uid != _user():
        return f"it belongs to user {info.st_uid}, not {_user()}"
    if stat.S_IMODE(info.st_mode) & 0o077:
        return f"others may open it (mode {stat.S_IMODE(info.st_mode):o})"
    if info.st_size < PAGE_BYTES:
        return f"{info.st_size} bytes, not {PAGE_BYTES}"
    return ""


def _user() -> int:
    if sys.platform == "linux":
        return os.geteuid()
    raise _linux_only()


def _linux_only() -> PadUnavailable:
    return PadUnavailable(
        f"the preloaded pad works on Linux only, not on {sys.platform}", "use the vgamepad pad"
    )
