"""``VGamepadPad`` against a fake vgamepad, and what it says when parts are missing.

The real one, on a real kernel, is in ``tests/uinput_vm``.
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from nitropilot.controller.errors import PadFailed, PadUnavailable
from nitropilot.controller.pads import vgamepad_pad
from nitropilot.controller.pads.vgamepad_pad import (
    RULE_FILE,
    UDEV_RULE,
    UINPUT,
    VGamepadPad,
    check_vgamepad,
)
from nitropilot.controller.state import NEUTRAL, Button, GamepadState


class XusbReport(ctypes.Structure):
    """XInput's report as vgamepad declares it: values out of range wrap around."""

    _fields_ = [
        ("wButtons", ctypes.c_ushort),
        ("bLeftTrigger", ctypes.c_ubyte),
        ("bRightTrigger", ctypes.c_ubyte),
        ("sThumbLX", ctypes.c_short),
        ("sThumbLY", ctypes.c_short),
        ("sThumbRX", ctypes.c_short),
        ("sThumbRY", ctypes.c_short),
    ]


FIELDS = [field[0] for field in XusbReport._fields_]


class FakeDevice:
    """Plugged in until it dies, as vgamepad's; keeps the fields of each report it sends."""

    plugged: ClassVar[set[int]] = set()
    reports: ClassVar[list[dict[str, int]]] = []
    open_error: ClassVar[Exception | None] = None
    send_error: ClassVar[Exception | None] = None

    def __init__(self) -> None:
        if FakeDevice.open_error is not None:
            raise FakeDevice.open_error
        self.report = XusbReport()
        FakeDevice.plugged.add(id(self))

    def update(self) -> None:
        if FakeDevice.send_error is not None:
            raise FakeDevice.send_error
        FakeDevice.reports.append({name: getattr(self.report, name) for name in FIELDS})

    def __del__(self) -> None:
        FakeDevice.plugged.discard(id(self))


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(vgamepad_pad, "CONTAINER_MARKS", ())


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> type[FakeDevice]:
    """vgamepad replaced by one that makes ``FakeDevice``."""
    vgamepad = ModuleType("vgamepad")
    vgamepad.VX360Gamepad = FakeDevice  # type: ignore[attr-defined]
    vgamepad.__spec__ = ModuleSpec("vgamepad", None)
    monkeypatch.setitem(sys.modules, "vgamepad", vgamepad)
    monkeypatch.setattr(FakeDevice, "plugged", set())
    monkeypatch.setattr(FakeDevice, "reports", [])
    monkeypatch.setattr(FakeDevice, "open_error", None)
    monkeypatch.setattr(FakeDevice, "send_error", None)
    return FakeDevice


@pytest.fixture
def all_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Everything that Linux needs seems to be in place; returns the uinput file."""
    uinput = tmp_path / "uinput"
    uinput.touch()
    monkeypatch.setattr(vgamepad_pad, "UINPUT", uinput)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    return uinput


def report(**fields: int) -> dict[str, int]:
    return dict.fromkeys(FIELDS, 0) | fields


MAPPING = {
    "neutral": (NEUTRAL, report()),
    "left stick": (GamepadState(left=(1.0, -1.0)), report(sThumbLX=32767, sThumbLY=-32767)),
    "right stick": (GamepadState(right=(-0.5, 0.25)), report(sThumbRX=-16384, sThumbRY=8192)),
    "triggers": (
        GamepadState(left_trigger=1.0, right_trigger=0.1),
        report(bLeftTrigger=255, bRightTrigger=26),
    ),
    "x, not y": (GamepadState(buttons=Button.X), report(wButtons=0x4000)),
    "highest bit": (GamepadState(buttons=Button.Y | Button.DPAD_UP), report(wButtons=0x8001)),
}


@pytest.mark.parametrize("case", MAPPING)
def test_one_report_per_state(device: type[FakeDevice], case: str) -> None:
    """A state sent in two updates lets the game read half of it in between."""
    state, expected = MAPPING[case]
    with VGamepadPad() as pad:
        pad.send(state)
        assert device.reports == [expected]


def test_each_state_replaces_the_last(device: type[FakeDevice]) -> None:
    """A field that is only written when it is pushed stays pushed."""
    everything = GamepadState((1.0, 1.0), (1.0, 1.0), 1.0, 1.0, Button.A)
    with VGamepadPad() as pad:
        pad.send(everything)
        pad.send(NEUTRAL)
        assert device.reports[-1] == report()


def test_close_releases_then_unplugs(device: type[FakeDevice]) -> None:
    """A pad that disappears while pressed leaves some games walking on."""
    pad = VGamepadPad()
    pad.send(GamepadState(buttons=Button.A))
    assert device.plugged
    pad.close()
    pad.close()
    assert device.reports[-1] == report()
    assert not device.plugged


def test_close_unplugs_a_failed_pad(device: type[FakeDevice]) -> None:
    """An error kept for the status page holds the frames, and with them the device."""
    pad = VGamepadPad()
    device.send_error = RuntimeError("Error: VIGEM_ERROR_INVALID_TARGET")
    with pytest.raises(PadFailed, match="VIGEM_ERROR_INVALID_TARGET") as kept:
        pad.send(GamepadState(buttons=Button.A))
    pad.close()
    assert kept.value.hint
    assert not device.plugged


def test_send_after_close(device: type[FakeDevice]) -> None:
    """A late decision must neither crash with an AttributeError nor press anything."""
    pad = VGamepadPad()
    pad.close()
    sent = len(device.reports)
    with pytest.raises(PadFailed, match="closed"):
        pad.send(GamepadState(buttons=Button.A))
    assert len(device.reports) == sent


@pytest.mark.parametrize(
    ("number", "message", "hint"),
    [
        (errno.ENOENT, "module uinput is not loaded", "modprobe uinput"),
        (errno.ENODEV, "module uinput is not loaded", "modprobe uinput"),
        (errno.EACCES, "no permission", UDEV_RULE),
        (errno.EPERM, "this container may not use", "--device /dev/uinput"),
        (errno.ENOSPC, "No space left", "dmesg"),
    ],
)
def test_uinput_refuses(
    linux: None, device: type[FakeDevice], number: int, message: str, hint: str
) -> None:
    """One message for every cause sends people to install what they have already."""
    device.open_error = OSError(number, os.strerror(number), str(UINPUT))
    with pytest.raises(PadUnavailable, match=message) as refusal:
        VGamepadPad()
    assert hint in refusal.value.hint


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOENT, "--device /dev/uinput"), (errno.EACCES, "--group-add")],
)
def test_fix_in_a_container(
    linux: None,
    device: type[FakeDevice],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    hint: str,
) -> None:
    """``modprobe`` and udev rules do nothing inside a container: the host has to act."""
    monkeypatch.setattr(vgamepad_pad, "CONTAINER_MARKS", (Path(__file__),))
    device.open_error = OSError(number, os.strerror(number), str(UINPUT))
    with pytest.raises(PadUnavailable) as refusal:
        VGamepadPad()
    assert hint in refusal.value.hint
    assert "on the host" in refusal.value.hint


@pytest.mark.skipif(sys.platform != "linux" or UINPUT.exists(), reason="this host has uinput")
def test_real_vgamepad_without_uinput() -> None:
    """The real libraries here: their error must be the one that is told apart above."""
    with pytest.raises(PadUnavailable, match="/dev/uinput does not exist") as refusal:
        VGamepadPad()
    assert "modprobe uinput" in refusal.value.hint
    probe = check_vgamepad()
    assert probe is not None
    assert probe.line() == refusal.value.line()


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("VIGEM_ERROR_BUS_NOT_FOUND", "not installed", "github.com/nefarius/ViGEmBus/releases"),
        ("VIGEM_ERROR_BUS_VERSION_MISMATCH", "does not fit", "newest"),
        ("VIGEM_ERROR_BUS_ACCESS_FAILED", "refused the connection", "restart"),
        ("VIGEM_ERROR_NOT_SUPPORTED", "VIGEM_ERROR_NOT_SUPPORTED", "install it again"),
    ],
)
def test_vigem_refuses_at_import(
    windows: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    code: str,
    message: str,
    hint: str,
) -> None:
    """On Windows the import itself connects to the driver, and fails without it."""
    fake_import(monkeypatch, tmp_path, f"raise RuntimeError('Error: {code}')")
    with pytest.raises(PadUnavailable, match=message) as refusal:
        VGamepadPad()
    assert hint in refusal.value.hint


def test_vigem_is_full(windows: None, device: type[FakeDevice]) -> None:
    """The driver can be fine and still refuse one more pad."""
    device.open_error = RuntimeError("Error: VIGEM_ERROR_NO_FREE_SLOT")
    with pytest.raises(PadUnavailable, match="no free slot"):
        VGamepadPad()


@pytest.mark.parametrize(
    ("platform", "source", "message", "hint"),
    [
        ("win32", "raise FileNotFoundError('no such DLL')", "ViGEmClient.dll", "force-reinstall"),
        ("linux", "raise OSError('no such object')", "libevdev.so.2", "apt-get install libevdev2"),
        ("linux", "import package_that_is_missing", "package_that_is_missing", "pip install"),
    ],
)
def test_import_fails(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    platform: str,
    source: str,
    message: str,
    hint: str,
) -> None:
    """The import loads libraries of the system, and each lacks another fix."""
    monkeypatch.setattr(sys, "platform", platform)
    fake_import(monkeypatch, tmp_path, source)
    with pytest.raises(PadUnavailable, match=message) as refusal:
        VGamepadPad()
    assert hint in refusal.value.hint


def fake_import(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    """Make ``import vgamepad`` run ``source``."""
    (folder / "vgamepad.py").write_text(source)
    for name in [name for name in sys.modules if name.partition(".")[0] == "vgamepad"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(folder)


def test_check_finds_nothing_missing(linux: None, all_there: Path) -> None:
    """A probe that always complains is ignored."""
    assert check_vgamepad() is None


@pytest.mark.parametrize("package", ["vgamepad", "libevdev"])
def test_check_misses_a_package(
    linux: None, all_there: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """vgamepad without its dependency fails like no vgamepad at all."""
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == package else ModuleSpec(name, None),
    )
    problem = check_vgamepad()
    assert problem is not None
    assert package in str(problem)


def test_check_misses_libevdev(
    linux: None, all_there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python package installs without the system library it wraps."""

    def refuse(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    problem = check_vgamepad()
    assert problem is not None
    assert "libevdev2" in problem.hint


def test_check_misses_uinput(linux: None, all_there: Path) -> None:
    """The module is not loaded by default on most distributions."""
    all_there.unlink()
    problem = check_vgamepad()
    assert problem is not None
    assert "modprobe uinput" in problem.hint


def test_check_misses_permission(
    linux: None, all_there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual state of a desktop: the device is there, for root only."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    problem = check_vgamepad()
    assert problem is not None
    assert UDEV_RULE in problem.hint
    assert RULE_FILE.name in problem.hint


@pytest.mark.parametrize("installed", [True, False])
def test_check_on_windows_reads_the_registry(
    windows: None, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    """``doctor`` must find the driver without connecting to it."""

    class Key:
        def Close(self) -> None:
            """Nothing to close."""

    def open_key(root: int, path: str) -> Key:
        if not installed:
            raise FileNotFoundError(path)
        assert path == r"SYSTEM\CurrentControlSet\Services\ViGEmBus"
        return Key()

    winreg = ModuleType("winreg")
    winreg.HKEY_LOCAL_MACHINE = 0  # type: ignore[attr-defined]
    winreg.OpenKey = open_key  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "winreg", winreg)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None))
    problem = check_vgamepad()
    assert (problem is None) == installed
    assert installed or "ViGEmBus" in str(problem)


def test_rule_file_holds_the_rule() -> None:
    """The hint prints the rule and names the file: both must say the same."""
    rules = [line for line in RULE_FILE.read_text().splitlines() if not line.startswith("#")]
    assert rules == [UDEV_RULE]


def test_every_refusal_is_one_line(linux: None, device: type[FakeDevice]) -> None:
    """The command line prints the message and the fix on one line."""
    device.open_error = PermissionError(errno.EACCES, "Permission denied", str(UINPUT))
    with pytest.raises(PadUnavailable) as refusal:
        VGamepadPad()
    assert "\n" not in f"{refusal.value}{refusal.value.hint}"
