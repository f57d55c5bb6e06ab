"""Private files in memory, for a page that two processes of one user share."""

from __future__ import annotations

import mmap
import os
import stat
import sys
import tempfile
from pathlib import Path

from nitropilot.controller.errors import PadUnavailable

PAGE_BYTES = 4096


def create_page_file(content: bytes) -> tuple[Path, mmap.mmap]:
    """Make a file of one page that only this user can open, and map it.

    Raises:
        PadUnavailable: Not on Linux, or there is no private place in memory for it.
    """
    folder = _private_folder()
    try:
        fd, name = tempfile.mkstemp(prefix="nitropilot-pad-", dir=folder)
        try:
            # Written, not truncated to size: a full file system must fail here,
            # not as SIGBUS in the game.
            os.write(fd, content.ljust(PAGE_BYTES, b"\0"))
            return Path(name), mmap.mmap(fd, PAGE_BYTES)
        except OSError:
            Path(name).unlink()
            raise
        finally:
            os.close(fd)
    except OSError as error:
        raise PadUnavailable(
            f"cannot make a pad page in {folder}: {error.strerror}", f"make room in {folder}"
        ) from error


def open_page_file(path: Path) -> mmap.mmap:
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
            raise PadUnavailable(f"cannot open pad page {path}: {error.strerror}", hint) from error
        raise PadUnavailable(f"{path} is no pad page: {problem}", hint)
    raise _linux_only()


def _private_folder() -> Path:
    """Where only this user can make, list or replace files, in memory."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and _is_private(Path(runtime)):
        return Path(runtime)
    folder = Path(f"/dev/shm/nitropilot-{_user()}")  # noqa: S108
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PadUnavailable(
            f"cannot make {folder}: {error.strerror}", "set XDG_RUNTIME_DIR to a folder of mode 700"
        ) from error
    if not _is_private(folder):
        raise PadUnavailable(
            f"{folder} is not a private folder of this user", "remove it, or set XDG_RUNTIME_DIR"
        )
    return folder


def _is_private(folder: Path) -> bool:
    try:
        info = folder.lstat()
    except OSError:
        return False
    private = stat.S_IMODE(info.st_mode) & 0o077 == 0
    return stat.S_ISDIR(info.st_mode) and info.st_uid == _user() and private


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
