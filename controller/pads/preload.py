"""What LD_PRELOAD names, so that 64-bit and 32-bit programs of one game each find their library.

A folder of links, one for each name that the dynamic linker may put for ``$PLATFORM``.  Where
nothing 32-bit can be compiled (Debian, Ubuntu: gcc-multilib), the one library is named, and a
32-bit program says in its output that it cannot use it, and runs on without a pad.
"""

from __future__ import annotations

import logging
import platform
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from nitropilot.controller.errors import ShimError
from nitropilot.controller.pads.shim_build import build_shim, find_compiler, ready_library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDE = ("x86_64", "haswell", "xeon_phi")
NARROW = ("i386", "i486", "i586", "i686")
"""What glibc calls the processors of the two kinds."""
_log = logging.getLogger("nitropilot.pads")


def preload_name(check: Callable[[], None]) -> str:
    """The library, or a name that leads each kind of program to its own.

    Args:
        check: As ``build_shim`` takes it.

    Raises:
        ShimError: The library for this machine's own programs cannot be built.
    """
    library = build_shim(check=check)
    narrow = narrow_library(check)
    if narrow is None:
        return str(library)
    folder = library.with_name(f"{library.stem}-{narrow.stem.rpartition('-')[2]}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for names, target in ((WIDE, library), (NARROW, narrow)):
            for name in names:
                with suppress(FileExistsError):
                    (folder / f"{name}.so").symlink_to(target)
    except OSError as error:
        _log.warning("32-bit games get no pad: %s", error)
        return str(library)
    return str(folder / "$PLATFORM.so")


def narrow_library(check: Callable[[], None] = lambda: None) -> Path | None:
    """The library for 32-bit programs; None where it cannot be built, or none is needed."""
    if platform.machine() != "x86_64" or sys.maxsize < 2**32:
        return None
    compiler = find_compiler()
    if compiler is None or ready_library() is not None or compiler in _failed():
        return None
    try:
        return build_shim(("-m32",), check)
    except ShimError as error:
        _log.debug("no library for 32-bit games: %s", error)
        _failed().add(compiler)
        return None


@cache
def _failed() -> set[str]:
    """Compilers that could not: they are not asked again."""
    return set()
