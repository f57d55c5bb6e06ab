"""Which pad is opened, and what the package costs to import."""

from __future__ import annotations

import errno
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from nitropilot import controller
from nitropilot.controller import (
    Button,
    GamepadState,
    PadPage,
    PadUnavailable,
    SdlPad,
    gamepad_reports,
    open_gamepad,
)
from nitropilot.controller.pads import shim_build, vgamepad_pad
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="pad pages exist on Linux only")


class Device:
    """Stands in for the driver's pad, or for the driver's refusal."""

    refusal: OSError | None = None

    def __init__(self) -> None:
        if Device.refusal is not None:
            raise Device.refusal
        self.report = SimpleNamespace()

    def update(self) -> None:
        """Take everything."""


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> type[Device]:
    """A vgamepad whose driver works, on Linux."""
    vgamepad = ModuleType("vgamepad")
    vgamepad.VX360Gamepad = Device  # type: ignore[attr-defined]
    vgamepad.__spec__ = ModuleSpec("vgamepad", None)
    monkeypatch.setitem(sys.modules, "vgamepad", vgamepad)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Device, "refusal", None)
    return Device


@pytest.fixture
def page() -> Iterator[PadPage]:
    page = PadPage.create()
    yield page
    page.close()
    page.unlink()


@linux_only
@pytest.mark.parametrize("kind", ["auto", "sdl"])
def test_a_launched_game_gets_the_sdl_pad(page: PadPage, driver: type[Device], kind: str) -> None:
    """The driver's pad never reaches a game in a container; its page does."""
    pad = open_gamepad(kind, page=page)
    assert isinstance(pad, SdlPad)
    assert pad.page is page
    pad.close()


@linux_only
def test_vgamepad_can_be_forced(page: PadPage, driver: type[Device]) -> None:
    """A launched game that ignores the preloaded pad still needs a way to play."""
    with open_gamepad("vgamepad", page=page) as pad:
        assert pad.name == "vgamepad"
    page.write(GamepadState(buttons=Button.A))  # still open: the pad did not take it over


@pytest.mark.parametrize("kind", ["auto", "vgamepad"])
def test_vgamepad_without_a_page(driver: type[Device], kind: str) -> None:
    """A game that runs already can be reached through the driver only."""
    with open_gamepad(kind) as pad:
        assert pad.name == "vgamepad"


def test_no_driver_names_the_other_way(
    driver: type[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without root there may be no driver at all, but a launched game needs none."""
    monkeypatch.setattr(
        driver, "refusal", PermissionError(errno.EACCES, "Permission denied", "/dev/uinput")
    )
    with pytest.raises(PadUnavailable, match="no permission") as refusal:
        open_gamepad()
    assert vgamepad_pad.UDEV_RULE in refusal.value.hint
    assert "--launch" in refusal.value.hint


def test_sdl_without_a_page() -> None:
    """A pad that no game reads would play nothing and say nothing."""
    with pytest.raises(PadUnavailable) as refusal:
        open_gamepad("sdl")
    assert "--launch" in refusal.value.hint


def test_unknown_kind() -> None:
    """A typing error must name the choices, not fall back to another pad."""
    with pytest.raises(PadUnavailable, match="'xbox'") as refusal:
        open_gamepad("xbox")
    assert "auto, vgamepad, sdl" in refusal.value.hint


def test_reports_name_the_cause_and_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    """``doctor`` that says only "not available" helps nobody."""
    monkeypatch.setattr(sys, "platform", "linux")
    problem = PadUnavailable("no driver", "install it")
    monkeypatch.setattr(vgamepad_pad, "check_vgamepad", lambda: problem)
    monkeypatch.setattr(shim_build, "find_compiler", lambda: None)
    vgamepad, sdl = gamepad_reports()
    assert (vgamepad.name, vgamepad.available) == ("vgamepad", False)
    assert (vgamepad.reason, vgamepad.hint) == ("no driver", "install it")
    assert (sdl.name, sdl.available) == ("sdl", False)
    assert "compiler" in sdl.reason
    assert "gcc" in sdl.hint


def test_reports_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both pads can work at once; the report says through what."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(vgamepad_pad, "check_vgamepad", lambda: None)
    monkeypatch.setattr(shim_build, "find_compiler", lambda: "/usr/bin/cc")
    vgamepad, sdl = gamepad_reports()
    assert vgamepad.available
    assert "uinput" in vgamepad.reason
    assert sdl.available
    assert "/usr/bin/cc" in sdl.reason
    assert vgamepad.hint == sdl.hint == ""


def test_reports_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preloaded pad must not be offered where it cannot exist."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(vgamepad_pad, "check_vgamepad", lambda: None)
    vgamepad, sdl = gamepad_reports()
    assert "ViGEmBus" in vgamepad.reason
    assert not sdl.available
    assert "Linux" in sdl.reason


LIGHT = """
import sys
from nitropilot import controller
{act}
heavy = {{"vgamepad", "libevdev", "psutil", "mss", "Xlib", "numpy", "torch", "mmap"}}
print(*sorted(heavy & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("act", "forbidden"),
    [
        ("", {"vgamepad", "libevdev", "psutil", "mss", "Xlib", "numpy", "torch", "mmap"}),
        ("controller.gamepad_reports()", {"vgamepad", "libevdev"}),
    ],
    ids=["import", "reports"],
)
def test_no_driver_is_touched(act: str, forbidden: set[str]) -> None:
    """Importing vgamepad connects to the driver on Windows: ``doctor`` would hang or fail on it."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT.format(act=act)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not forbidden & set(done.stdout.split())


@pytest.mark.parametrize("name", controller.__all__)
def test_public_names_load(name: str) -> None:
    """A late name that points to the wrong module fails only in a user's hands."""
    assert getattr(controller, name) is not None


def test_unknown_name() -> None:
    """The late loading must not turn a typing error into something else."""
    with pytest.raises(AttributeError, match="no attribute 'Gampad'"):
        _ = controller.Gampad  # type: ignore[attr-defined]
