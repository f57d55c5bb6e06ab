"""The one place that chooses which virtual gamepad to open."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.errors import PadUnavailable, ShimError
from nitropilot.controller.pads.gamepad import NoPad

if TYPE_CHECKING:
    from nitropilot.controller.pads.gamepad import Gamepad
    from nitropilot.controller.pads.pad_page import PadPage

KINDS = ("auto", "vgamepad", "sdl")
NO_PAD = "none"
"""For a game that nobody plays but people: no driver is asked for anything."""
_LAUNCH = "let NitroPilot start the game itself (--launch)"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PadReport:
    """Whether one kind of pad can be used here.

    Attributes:
        name: The kind, as ``open_gamepad`` takes it.
        available: Whether nothing it needs is missing.
        reason: What it works through, or what is missing.
        hint: The fix; empty when it is available.
    """

    name: str
    available: bool
    reason: str
    hint: str = ""


def open_gamepad(
    kind: str = "auto", *, page: PadPage | None = None, expires_s: float | None = None
) -> Gamepad:
    """Plug in a virtual gamepad.

    Args:
        kind: ``"vgamepad"`` (a driver; any game sees it), ``"sdl"`` (the
            memory page of a game that we launched) or ``"auto"``: sdl when
            there is a page, vgamepad otherwise; ``NO_PAD``: as auto, but none
            without a page.
        page: The page that the launched game reads; closing the pad closes it.
        expires_s: For a page: see ``SdlPad``.

    Raises:
        PadUnavailable: The kind is unknown, or something it needs is missing.
    """
    if kind not in (*KINDS, NO_PAD):
        raise PadUnavailable(f"unknown gamepad {kind!r}", f"choose one of {', '.join(KINDS)}")
    if kind == "sdl" and page is None:
        raise PadUnavailable("the sdl gamepad reaches only a game launched with it", _LAUNCH)
    if page is not None and kind != "vgamepad":
        _log.info("gamepad: sdl (%s)", "asked for" if kind == "sdl" else "the game was launched")
        from nitropilot.controller.pads.sdl_pad import SdlPad

        return SdlPad(page, expires_s=expires_s)
    if kind == NO_PAD:
        return NoPad()
    _log.info("gamepad: vgamepad (%s)", "asked for" if kind == "vgamepad" else "no page to write")
    return _open_vgamepad()


def gamepad_reports() -> tuple[PadReport, ...]:
    """One report for each kind of pad; looks at files only and touches no driver."""
    return _vgamepad_report(), _sdl_report()


def _open_vgamepad() -> Gamepad:
    from nitropilot.controller.pads.vgamepad_pad import VGamepadPad

    try:
        return VGamepadPad()
    except PadUnavailable as error:
        if sys.platform == "linux":
            error.hint += f"; or {_LAUNCH}, which needs no driver"
        raise


def _vgamepad_report() -> PadReport:
    from nitropilot.controller.pads.vgamepad_pad import check_vgamepad

    problem = check_vgamepad()
    if problem is not None:
        return PadReport("vgamepad", False, str(problem), problem.hint)
    driver = "ViGEmBus" if sys.platform == "win32" else "uinput"
    return PadReport("vgamepad", True, f"through {driver}; every game sees it")


def _sdl_report() -> PadReport:
    if sys.platform == "linux":
        from nitropilot.controller.pads.shim_build import (
            damaged_library,
            find_compiler,
            ready_library,
        )

        try:
            ready = ready_library()
        except ShimError as error:
            return PadReport("sdl", False, str(error), error.hint)
        if ready is not None:
            return PadReport("sdl", True, f"{ready}; for games we launch")
        compiler = find_compiler()
        fix = "install one (Debian, Ubuntu: apt-get install gcc libc6-dev) or name it in CC"
        if compiler is None:
            report = PadReport("sdl", False, "no C compiler for the preloaded library", fix)
        else:
            damaged = damaged_library(compiler)
            again = f"; {damaged} is damaged, and is built again" if damaged else ""
            report = PadReport("sdl", True, f"built with {compiler}; for games we launch{again}")
    else:
        report = PadReport("sdl", False, "made for games on Linux only", "use vgamepad")
    return report
