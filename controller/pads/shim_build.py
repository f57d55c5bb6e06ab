"""Builds the library that a launched Linux game is preloaded with, once per machine.

It is compiled by the system's compiler, so that it fits the system's C library, and kept in the
user's cache under a name made from everything that shapes it and of what is in it: a file that
was cut off, or has changed, is not what its name says, and is built anew.  Where there is no
compiler, as in a container image, ``NITROPILOT_PAD_LIBRARY`` names one made before
(``python -m nitropilot.controller.pads.shim_build FILE`` makes it).
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.children import find_program, leave_out_current_folder
from nitropilot.controller.errors import ShimError
from nitropilot.places import cache_root, system_cache

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("nitropilot.pads")

SOURCES = Path(__file__).parents[1] / "shim"
"""Every C file in this folder, and in those in it, is a part of the one library."""
FLAGS = (
    "-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden",
)  # fmt: skip
LIBRARIES = ("-ldl", "-lpthread")
NOT_IN_PRELOAD = " :\t\n"
"""What the path of the library must not have: LD_PRELOAD is a list."""
COMPILERS = ("cc", "gcc", "clang")
BUILD_TIMEOUT_S = 120.0
LOOK_S = 0.1
"""How often it is looked whether the library is still wanted."""
READY_VARIABLE = "NITROPILOT_PAD_LIBRARY"


def find_compiler() -> str | None:
    """The C compiler to use: ``$CC`` (which may hold arguments), or the system's.

    Returns:
        A command line, or None if there is no compiler or ``$CC`` names none.
    """
    chosen = os.environ.get("CC", "").strip()
    if chosen:
        words = _words(chosen)
        return chosen if words and find_program(words[0]) else None
    return next((path for name in COMPILERS if (path := find_program(name))), None)


def build_shim(extra: tuple[str, ...] = (), check: Callable[[], None] = lambda: None) -> Path:
    """The preload library, compiled now unless that was done before.

    Args:
        extra: More flags for the compiler; with any, no ready library is looked for.
        check: Called again and again while it compiles; what it raises ends the compiler.

    Raises:
        ShimError: Not on Linux, no compiler, a compiler that fails, or a cache folder
            that somebody else could write to.
    """
    if sys.platform == "linux":
        ready = None if extra else ready_library()
        if ready is not None:
            return ready
        compiler = shlex.join([*_words(_require_compiler()), *extra])
        try:
            library = _kept(compiler) or _compile(
                compiler, _cache_folder(), lambda built: _name(compiler, _digest(built)), check
            )
        except OSError as error:
            raise ShimError(
                f"cannot keep the preload library in the cache: {error}",
                "set XDG_CACHE_HOME to a folder that you can write to",
            ) from error
        return library
    raise ShimError(
        f"the preloaded pad works on Linux only, not on {sys.platform}", "use the vgamepad pad"
    )


def ready_library() -> Path | None:
    """The library that ``NITROPILOT_PAD_LIBRARY`` names; None when it names none.

    Raises:
        ShimError: It is not there, or somebody else than root and this user may change it.
    """
    named = os.environ.get(READY_VARIABLE)
    if not named:
        return None
    path = Path(named)
    hint = f"correct {READY_VARIABLE}, or unset it to have one compiled"
    if not path.is_absolute() or not path.is_file():
        raise ShimError(f"{READY_VARIABLE} is {named!r}, which is no file's full path", hint)
    if sys.platform != "win32":
        info = path.stat()
        if info.st_uid not in (0, os.geteuid()) or stat.S_IMODE(info.st_mode) & 0o022:
            raise ShimError(f"{path} could be changed by other users", hint)
    return path


def _require_compiler() -> str:
    compiler = find_compiler()
    if compiler is not None:
        return compiler
    chosen = os.environ.get("CC")
    if chosen:
        raise ShimError(f"no C compiler found: CC is {chosen!r}", "correct CC or unset it")
    raise ShimError("no C compiler found", "install one (Debian, Ubuntu: apt-get install gcc)")


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _key(compiler: str) -> str:
    """Changes with the source, the flags, the compiler and the kind of machine."""
    parts = (compiler, platform.machine(), *FLAGS, *LIBRARIES)
    shape = hashlib.sha256("\0".join(parts).encode())
    for path in source_files(("*.c", "*.h")):
        name = path.relative_to(SOURCES).as_posix()
        shape.update(name.encode() + b"\0" + path.read_bytes())
    return shape.hexdigest()[:16]


def source_files(patterns: tuple[str, ...] = ("*.c",)) -> list[Path]:
    """The files that the library is made of, in an order that does not change."""
    return sorted(path for pattern in patterns for path in SOURCES.rglob(pattern))


def _digest(library: Path) -> str:
    return hashlib.sha256(library.read_bytes()).hexdigest()[:16]


def _name(compiler: str, digest: str) -> str:
    """What a library is called: what shaped it, and what is in it."""
    return f"nitropilot_pad-{_key(compiler)}-{digest}.so"


def _kept(compiler: str) -> Path | None:
    """The library in the cache; those that are damaged are removed."""
    for library in sorted(_cache_folder().glob(_name(compiler, "*"))):
        _check_owner(library)
        if library.name == _name(compiler, _digest(library)):
            return library
        _log.warning("%s is damaged and is built again", library)
        library.unlink(missing_ok=True)  # another launch may have found it too
    return None


def damaged_library(compiler: str) -> Path | None:
    """A library in the cache that is not what was built; looks, and changes nothing."""
    try:
        for library in _place().glob(_name(compiler, "*")):
            if library.name != _name(compiler, _digest(library)):
                return library
    except OSError:  # the next launch says more
        pass
    return None


def _place() -> Path:
    return cache_root(system_cache(), without=NOT_IN_PRELOAD) / "shim"


def _cache_folder() -> Path:
    """The cache's folder for the library, made if needed; only this user can write to it."""
    folder = _place()
    for part in (folder.parent, folder):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(part)
        mode = stat.S_IMODE(part.stat().st_mode)
        if mode & 0o022:  # left by a permissive umask; ours to correct
            part.chmod(mode & ~0o022)
    return folder


def _check_owner(path: Path) -> None:
    """Refuse what somebody else could have put there: games run it with the player's rights."""
    if sys.platform != "win32":
        for info in (path.lstat(), path.stat()):  # a link must be ours, and its target
            if info.st_uid != os.geteuid():
                raise ShimError(
                    f"{path} belongs to user {info.st_uid}, not {os.geteuid()}",
                    f"remove {path}, or set XDG_CACHE_HOME to a folder of yours",
                )


def _compile(
    compiler: str, place: Path, name: Callable[[Path], str],
    check: Callable[[], None] = lambda: None,
) -> Path:  # fmt: skip
    """Compile beside, have the disk keep it, and then rename.

    Args:
        compiler: Command line of the compiler.
        place: The folder to build in.
        name: What to call what was built.
        check: As ``build_shim`` takes it.
    """
    with tempfile.TemporaryDirectory(dir=place, prefix="build-") as folder:
        output = Path(folder) / "nitropilot_pad.so"
        files = [str(path) for path in source_files()]
        command = [*_words(compiler), *FLAGS, *files, "-o", str(output), *LIBRARIES]
        try:
            status, said = _run(command, folder, check)
        except OSError as error:
            raise ShimError(
                f"cannot run the C compiler {compiler}: {error.strerror}", "name another one in CC"
            ) from error
        except subprocess.TimeoutExpired:
            raise ShimError(
                f"the C compiler {compiler} took more than {BUILD_TIMEOUT_S:.0f} s",
                "try again when the machine has less to do, or name another one in CC",
            ) from None
        if status != 0 or not output.exists():
            raise ShimError(
                f"the C compiler {compiler} failed: {_first_error(said)}",
                "install a working one with its headers (Debian, Ubuntu: "
                "apt-get install gcc libc6-dev), or name it in CC",
            )
        output.chmod(0o700)
        with output.open("rb") as file:
            os.fsync(file.fileno())
        return output.replace(place / name(output))


def _run(command: list[str], folder: str, check: Callable[[], None]) -> tuple[int, bytes]:
    """Exit status and errors of a compiler; it ends with all that it has started, and what it
    writes on the way is in ``folder``."""
    environment = leave_out_current_folder(os.environ) | {"TMPDIR": folder}
    deadline = time.monotonic() + BUILD_TIMEOUT_S
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True, env=environment,
    ) as process:  # fmt: skip
        try:
            while True:
                check()
                try:
                    said = process.communicate(timeout=LOOK_S)[1]
                    return process.returncode, said
                except subprocess.TimeoutExpired:
                    if time.monotonic() > deadline:
                        raise
        except BaseException:
            if sys.platform != "win32":
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            raise


def _first_error(output: bytes) -> str:
    """The line that a person would look for in a compiler's output."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
    said = [line for line in lines if line]
    return next((line for line in said if "error" in line.lower()), (said or ["no message"])[0])


def main() -> None:
    """Compile the library into the file named on the command line.

    Raises:
        ShimError: There is no compiler, or it fails.
    """
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m {__spec__.name} FILE")
    library = Path(sys.argv[1])
    library.parent.mkdir(parents=True, exist_ok=True)
    _compile(_require_compiler(), library.parent, lambda _: library.name)
    library.chmod(0o755)


if __name__ == "__main__":
    main()
