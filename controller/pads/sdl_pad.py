"""``SdlPad``: the pad of a Linux game that NitroPilot launches, without any driver."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nitropilot.controller.errors import PadFailed, ShimError
from nitropilot.controller.pads.gamepad import Gamepad
from nitropilot.controller.pads.pad_page import PAGE_VARIABLE
from nitropilot.controller.pads.shim_build import NOT_IN_PRELOAD, build_shim
from nitropilot.controller.state import NEUTRAL

if TYPE_CHECKING:
    from nitropilot.controller.pads.pad_page import PadPage
    from nitropilot.controller.state import GamepadState


class SdlPad(Gamepad):
    """A pad that reaches one game, through the page that the game was launched with.

    Args:
        page: That page.
        owns_page: Whether ``close`` also unmaps it.  The file stays: a game that is
            left running can be joined again through it.
    """

    name = "sdl"

    def __init__(self, page: PadPage, owns_page: bool = True) -> None:
        self.page = page
        self._owns_page = owns_page
        self._closed = False

    def send(self, state: GamepadState) -> None:
        """Make ``state`` what the game reads next.

        Raises:
            PadFailed: The pad or its page is closed.
        """
        if self._closed:
            raise PadFailed("the virtual pad is closed", "open a new one")
        self.page.write(state)

    def close(self) -> None:
        """Release everything and let go of the page.  Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self.page.write(NEUTRAL)
        if self._owns_page:
            self.page.close()


def launch_environment(page: PadPage) -> dict[str, str]:
    """The variables to start a game with, so that it reads its pad from ``page``.

    Other pads are hidden from the game: SDL lists real ones first, and most games
    listen to the first one only.

    Raises:
        ShimError: The preload library cannot be built, or not be named in LD_PRELOAD.
    """
    library = str(build_shim())
    if set(NOT_IN_PRELOAD) & set(library):
        raise ShimError(
            f"cannot preload {library!r}: LD_PRELOAD takes no path with spaces or colons",
            "set XDG_CACHE_HOME to a folder without them",
        )
    already = os.environ.get("LD_PRELOAD")
    return {
        "LD_PRELOAD": f"{library}:{already}" if already else library,
        PAGE_VARIABLE: str(page.path),
        "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",
        "SDL_GAMECONTROLLER_IGNORE_DEVICES_EXCEPT": "0x045e/0x028e",
    }
