"""``VGamepadPad``: a pad that every game on the machine sees, made by vgamepad.

vgamepad plugs a virtual Xbox 360 controller into ViGEmBus on Windows and into
uinput on Linux.  Importing it connects to the driver (Windows) or loads
libevdev (Linux), so the import waits until a pad is opened, and everything
that can be missing is told apart here, each with its own fix.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nitropilot.controller.errors import PadFailed, PadUnavailable
from nitropilot.controller.pads import own_pads
from nitropilot.controller.pads.gamepad import Gamepad

if TYPE_CHECKING:
    from nitropilot.controller.state import GamepadState

UINPUT = Path("/dev/uinput")
UDEV_RULE = (
    'KERNEL=="uinput", SUBSYSTEM=="misc", GROUP="input", MODE="0660", '
    'TAG+="uaccess", OPTIONS+="static_node=uinput"'
)
"""The one rule in ``RULE_FILE``; kept here too, so that an error message needs no file."""
RULE_FILE = Path(__file__).with_name("60-nitropilot-uinput.rules")
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""One of these exists in a container of Docker or Podman."""

VIGEM_URL = "https://github.com/nefarius/ViGEmBus/releases"
VIGEM_KEY = r"SYSTEM\CurrentControlSet\Services\ViGEmBus"
_VIGEM_PROBLEMS = {
    "VIGEM_ERROR_BUS_NOT_FOUND": (
        "the ViGEmBus driver is not installed or not running",
        f"install it from {VIGEM_URL} and restart Windows",
    ),
    "VIGEM_ERROR_BUS_VERSION_MISMATCH": (
        "the ViGEmBus driver does not fit this version of vgamepad",
        f"install the newest one from {VIGEM_URL}",
    ),
    "VIGEM_ERROR_BUS_ACCESS_FAILED": (
        "the ViGEmBus driver refused the connection",
        "close other programs that make virtual pads, or restart Windows",
    ),
    "VIGEM_ERROR_NO_FREE_SLOT": (
        "the ViGEmBus driver has no free slot for one more pad",
        "close other programs that make virtual pads",
    ),
}


class _Device(Protocol):
    """The part of ``vgamepad.VX360Gamepad`` that is used here."""

    report: Any

    def update(self) -> None: ...


class VGamepadPad(Gamepad):
    """A virtual Xbox 360 controller, plugged in from construction until ``close``.

    Raises:
        PadUnavailable: A package, library, driver, device or permission is
            missing; the hint names the one and its fix.
    """

    name = "vgamepad"

    def __init__(self) -> None:
        self._device: _Device | None = _plug_in()
        own_pads.note(self._device)

    def send(self, state: GamepadState) -> None:
        """Make ``state`` what the games read next, in one report.

        Raises:
            PadFailed: The pad is closed or the driver refused the report.
        """
        if self._device is None:
            raise PadFailed("the virtual pad is closed", "open a new one")
        _fill(self._device.report, state)
        try:
            self._device.update()
        except (OSError, RuntimeError, ValueError) as error:
            raise PadFailed(
                f"the virtual pad did not take a state ({error})",
                "close it and open a new one",
            ) from _without_frames(error)

    def close(self) -> None:
        """Return to neutral and unplug the controller now.  Safe to call twice."""
        if self._device is None:
            return
        # A driver that refuses the neutral report still unplugs, which releases everything.
        with contextlib.suppress(PadFailed):
            self.neutral()
        # vgamepad unplugs when its object dies, and this is the only reference to it.
        self._device = None


def check_vgamepad() -> PadUnavailable | None:
    """What keeps ``VGamepadPad`` from opening, found without touching a driver.

    Returns:
        The error that opening would most likely raise, or None when all parts
        are in place.  A driver that is there but broken shows only on opening.
    """
    if sys.platform == "win32":
        packages, check_driver = ("vgamepad",), _check_vigem
    else:
        packages, check_driver = ("vgamepad", "libevdev"), _check_uinput
    for package in packages:
        if importlib.util.find_spec(package) is None:
            return _no_package(package)
    return check_driver()


def _fill(report: Any, state: GamepadState) -> None:
    """Write the whole state into vgamepad's report, which is laid out as XInput's."""
    report.wButtons = int(state.buttons)
    report.bLeftTrigger = round(state.left_trigger * 255)
    report.bRightTrigger = round(state.right_trigger * 255)
    report.sThumbLX, report.sThumbLY = (round(value * 32767) for value in state.left)
    report.sThumbRX, report.sThumbRY = (round(value * 32767) for value in state.right)


def _plug_in() -> _Device:
    try:
        import vgamepad

        device: _Device = vgamepad.VX360Gamepad()
    except ImportError as error:
        raise _no_package(error.name or "vgamepad") from error
    except OSError as error:
        raise _explain(error) from _without_frames(error)
    except (RuntimeError, ValueError) as error:  # ViGEm's, also while importing
        raise _vigem_refused(error) from _without_frames(error)
    return device


def _without_frames(error: Exception) -> Exception:
    """``error`` without its traceback, whose frames would keep the device plugged in."""
    return error.with_traceback(None)


def _explain(error: OSError) -> PadUnavailable:
    if sys.platform == "win32":
        problem = _no_vigem_client(error)
    elif error.errno is None:  # as the loader of shared libraries leaves it
        problem = _no_libevdev(error)
    else:
        problem = _uinput_refused(error)
    return problem


def _no_package(name: str) -> PadUnavailable:
    return PadUnavailable(f"the Python package {name} is not installed", "pip install vgamepad")


def _check_vigem() -> PadUnavailable | None:
    if sys.platform == "win32":
        import winreg

        try:
            winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, VIGEM_KEY).Close()
        except FileNotFoundError:
            return PadUnavailable(*_VIGEM_PROBLEMS["VIGEM_ERROR_BUS_NOT_FOUND"])
    return None


def _no_vigem_client(error: OSError) -> PadUnavailable:
    return PadUnavailable(
        f"vgamepad's ViGEmClient.dll cannot be loaded ({error})",
        "pip install --force-reinstall vgamepad",
    )


def _vigem_refused(error: Exception) -> PadUnavailable:
    for code, (message, hint) in _VIGEM_PROBLEMS.items():
        if code in str(error):
            return PadUnavailable(message, hint)
    return PadUnavailable(
        f"the ViGEmBus driver made no pad ({error})",
        f"install it again from {VIGEM_URL} and restart Windows",
    )


def _check_uinput() -> PadUnavailable | None:
    try:
        # The same call that vgamepad's import ends in; it loads code and opens no device.
        ctypes.CDLL("libevdev.so.2")
    except OSError as error:
        return _no_libevdev(error)
    if not UINPUT.exists():
        return _no_uinput()
    if not os.access(UINPUT, os.R_OK | os.W_OK):
        return _no_permission()
    return None


def _uinput_refused(error: OSError) -> PadUnavailable:
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return _no_uinput()
    if error.errno == errno.EACCES:
        return _no_permission()
    if error.errno == errno.EPERM:
        return PadUnavailable(f"this container may not use {UINPUT}", _container_fix())
    return PadUnavailable(
        f"the kernel made no virtual pad ({error})", "see the end of `dmesg` for the reason"
    )


def _no_libevdev(error: OSError) -> PadUnavailable:
    return PadUnavailable(
        f"the library libevdev.so.2 cannot be loaded ({error})",
        "apt-get install libevdev2 (Fedora, Arch: libevdev)",
    )


def _no_uinput() -> PadUnavailable:
    if _in_container():
        return PadUnavailable(f"{UINPUT} does not exist in this container", _container_fix())
    return PadUnavailable(
        f"{UINPUT} does not exist: the kernel module uinput is not loaded",
        "run `sudo modprobe uinput`; to have it at every start, put the line uinput into "
        "/etc/modules-load.d/uinput.conf",
    )


def _no_permission() -> PadUnavailable:
    rule = (
        f"put the line {UDEV_RULE} into /etc/udev/rules.d/{RULE_FILE.name} (a copy: {RULE_FILE}) "
        "and run `sudo udevadm control --reload && sudo udevadm trigger --name-match=uinput`"
    )
    if _in_container():
        fix = f"on the host {rule}; start the container with `--group-add $(stat -c %g {UINPUT})`"
    else:
        fix = f"{rule}; then `sudo usermod -aG input $USER` and log in again"
    return PadUnavailable(f"no permission to write to {UINPUT}", fix)


def _in_container() -> bool:
    return any(mark.exists() for mark in CONTAINER_MARKS)


def _container_fix() -> str:
    return (
        "on the host run `modprobe uinput`, then start the container with `--device /dev/uinput` "
        "and, for games inside it, `-v /dev/input:/dev/input --device-cgroup-rule 'c 13:* rmw'`"
    )
