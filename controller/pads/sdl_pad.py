"""``SdlPad``: the pad of a Linux game that NitroPilot launches, without any driver."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.children import leave_out_current_folder
from nitropilot.controller.errors import PadFailed, ShimError
from nitropilot.controller.pads.gamepad import Gamepad
from nitropilot.controller.pads.pad_page import PAGE_VARIABLE
from nitropilot.controller.pads.preload import narrow_library, preload_name
from nitropilot.controller.pads.shim_build import NOT_IN_PRELOAD
from nitropilot.controller.state import NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.pads.pad_page import PadPage
    from nitropilot.controller.state import GamepadState

NARROW_ELF = b"\x01"
"""As the first byte of ``_machine``: a program of 32 bits."""
OWN_PROGRAM = Path("/proc/self/exe")
"""A program for the machine that the preload library is compiled for."""


class SdlPad(Gamepad):
    """A pad that reaches one game, through the page that the game was launched with.

    Args:
        page: That page.
        owns_page: Whether ``close`` also unmaps it.  The file stays: a game that is
            left running can be joined again through it.
        expires_s: After so many seconds without ``renew`` or ``send`` the game itself lets go.
    """

    name = "sdl"

    def __init__(
        self, page: PadPage, owns_page: bool = True, expires_s: float | None = None
    ) -> None:
        self.page = page
        self._owns_page = owns_page
        self._expires_s = expires_s
        self._closed = False

    def send(self, state: GamepadState) -> None:
        """Make ``state`` what the game reads next.

        Raises:
            PadFailed: The pad or its page is closed.
        """
        if self._closed:
            raise PadFailed("the virtual pad is closed", "open a new one")
        self.page.write(state, self._expires_s)

    def renew(self, lasts: float | None = None) -> None:
        """As ``Gamepad``."""
        if self._expires_s is not None and not self._closed:
            self.page.renew(self._expires_s if lasts is None else lasts)

    def close(self) -> None:
        """Release everything and let go of the page.  Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self.page.write(NEUTRAL)
        if self._owns_page:
            self.page.close()


def why_not_opened(pid: int) -> str:
    """What may keep a game from opening its preloaded pad, as far as its process tells.

    A program for another machine is run without the library, and so is a 32-bit one where
    none could be built for it.
    """
    own, its = _machine(OWN_PROGRAM), _machine(Path(f"/proc/{pid}/exe"))
    if its and its != own and (its[:1] != NARROW_ELF or narrow_library() is None):
        return (
            "the game is for another kind of machine than the preloaded pad, as 32-bit games are: "
            "install a compiler for it (Debian, Ubuntu: gcc-multilib), or use `--pad vgamepad`"
        )
    return (
        "the game has not opened the pad: it may not use one, or look for it by ways that the "
        "preloaded library does not reach, as programs linked statically do"
    )


def _machine(program: Path) -> bytes:
    """Width and kind of the machine that an ELF program is for; empty if it is none."""
    try:
        with program.open("rb") as file:
            head = file.read(20)
    except OSError:
        return b""
    return head[4:6] + head[18:20] if head.startswith(b"\x7fELF") else b""


def launch_environment(page: PadPage, check: Callable[[], None] = lambda: None) -> dict[str, str]:
    """The variables to start a game with, so that it reads its pad from ``page``.

    Other pads are hidden from the game, by the library and by SDL's own means: most games
    listen to the first one only.

    Args:
        page: Where the game is to read its pad.
        check: Called again and again while the library compiles; raises when it need not.

    Raises:
        ShimError: The preload library cannot be built, or not be named in LD_PRELOAD.
    """
    library = preload_name(check)
    if set(NOT_IN_PRELOAD) & set(library):
        raise ShimError(
            f"cannot preload {library!r}: LD_PRELOAD takes no path with spaces or colons",
            "set XDG_CACHE_HOME to a folder without them",
        )
    already = leave_out_current_folder(os.environ).get("LD_PRELOAD")
    return {
        "LD_PRELOAD": f"{library}:{already}" if already else library,
        PAGE_VARIABLE: str(page.path),
        "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",
        "SDL_GAMECONTROLLER_IGNORE_DEVICES_EXCEPT": "0x045e/0x028e",
    }
