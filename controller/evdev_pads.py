"""Physical pads on Linux, through the kernel's event devices and libevdev.

libevdev comes with vgamepad.  It keeps a device's state, also over events that the kernel
had to drop, and knows the ranges of its axes.  SDL would know more old pads by name, but
cannot tell ours from others and wants the program's main thread.

Buttons are named as in the kernel's gamepad specification, by their place.  Microsoft's own
driver is older than that and has X and Y the other way round.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any

from controller import own_pads
from controller.errors import PadUnavailable
from controller.human import HumanPads, HumanReport, merged
from controller.state import NEUTRAL, NO_BUTTONS, Button, GamepadState

assert sys.platform == "linux"  # for mypy: the chooser imports this module on Linux only

INPUT = Path("/dev/input")
SYSTEM = Path("/sys/class/input")
SCAN_S = 1.0
"""How often to look whether a pad was plugged in."""
STEAM_COPY = (0x28DE, 0x11FF)
"""Vendor and product of the pads that Steam makes of others."""
JOIN_INPUT = "`sudo usermod -aG input $USER` and log in again, or log in at the machine itself"

_log = logging.getLogger(__name__)

_BUTTONS = {
    "BTN_SOUTH": Button.A,
    "BTN_EAST": Button.B,
    "BTN_WEST": Button.X,
    "BTN_NORTH": Button.Y,
    "BTN_TL": Button.LEFT_SHOULDER,
    "BTN_TR": Button.RIGHT_SHOULDER,
    "BTN_SELECT": Button.BACK,
    "BTN_START": Button.START,
    "BTN_MODE": Button.GUIDE,
    "BTN_THUMBL": Button.LEFT_THUMB,
    "BTN_THUMBR": Button.RIGHT_THUMB,
    "BTN_DPAD_UP": Button.DPAD_UP,
    "BTN_DPAD_DOWN": Button.DPAD_DOWN,
    "BTN_DPAD_LEFT": Button.DPAD_LEFT,
    "BTN_DPAD_RIGHT": Button.DPAD_RIGHT,
}
_MICROSOFT = _BUTTONS | {"BTN_NORTH": Button.X, "BTN_WEST": Button.Y}


class EvdevPad:
    """One event device that is a pad.

    Args:
        path: Its node, such as ``/dev/input/event5``.

    Raises:
        OSError: It cannot be opened, or is gone.
    """

    def __init__(self, path: Path) -> None:
        import libevdev

        self.path = path
        self._evdev = libevdev
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._file = os.fdopen(handle, "rb", buffering=0)
        try:
            self._device: Any = libevdev.Device(self._file)
        except BaseException:
            self._file.close()
            raise
        self._buttons = _MICROSOFT if self._is_microsofts() else _BUTTONS
        self._axes = self._find_axes()

    @property
    def handle(self) -> int:
        """The open file."""
        return self._file.fileno()

    @property
    def name(self) -> str:
        """What the device calls itself."""
        return str(self._device.name)

    @property
    def is_pad(self) -> bool:
        """Whether it is a pad, and not one that Steam made of another."""
        keys, axes = self._evdev.EV_KEY, self._evdev.EV_ABS
        identity = (self._device.id["vendor"], self._device.id["product"])
        has = self._device.has
        return has(keys.BTN_SOUTH) and has(axes.ABS_X) and has(axes.ABS_Y) and (
            identity != STEAM_COPY
        )  # fmt: skip

    def read(self) -> GamepadState:
        """Take in what has happened; the state after that.

        Raises:
            OSError: The pad was unplugged.
        """
        try:
            for _ in self._device.events():
                pass
        except self._evdev.EventsDroppedException:
            for _ in self._device.sync():
                pass
        return self._state()

    def close(self) -> None:
        """Let go of the device."""
        self._file.close()

    def _state(self) -> GamepadState:
        keys = self._evdev.EV_KEY
        buttons = NO_BUTTONS
        for name, button in self._buttons.items():
            if self._device.value[getattr(keys, name)]:
                buttons |= button
        buttons |= self._hat("ABS_HAT0X", Button.DPAD_LEFT, Button.DPAD_RIGHT)
        buttons |= self._hat("ABS_HAT0Y", Button.DPAD_UP, Button.DPAD_DOWN)
        right_x, right_y, left_trigger, right_trigger = self._axes
        return GamepadState(
            left=(self._stick("ABS_X"), -self._stick("ABS_Y")),
            right=(self._stick(right_x), -self._stick(right_y)),
            left_trigger=self._trigger(left_trigger, "BTN_TL2"),
            right_trigger=self._trigger(right_trigger, "BTN_TR2"),
            buttons=buttons,
        )

    def _find_axes(self) -> tuple[str, str, str, str]:
        """The axes of the right stick and of the triggers; some pads have them elsewhere."""
        if self._device.has(self._evdev.EV_ABS.ABS_RX):
            return "ABS_RX", "ABS_RY", "ABS_Z", "ABS_RZ"
        return "ABS_Z", "ABS_RZ", "ABS_BRAKE", "ABS_GAS"

    def _share(self, axis: str) -> float | None:
        """Where an axis is between its ends, 0 to 1; None if there is none."""
        code = getattr(self._evdev.EV_ABS, axis)
        info = self._device.absinfo[code] if self._device.has(code) else None
        if info is None or info.maximum <= info.minimum:
            return None
        return float(info.value - info.minimum) / (info.maximum - info.minimum)

    def _stick(self, axis: str) -> float:
        share = self._share(axis)
        return 0.0 if share is None else 2 * share - 1

    def _trigger(self, axis: str, button: str) -> float:
        share = self._share(axis)
        pressed = 1.0 if self._device.value[getattr(self._evdev.EV_KEY, button)] else 0.0
        return pressed if share is None else share

    def _hat(self, axis: str, low: Button, high: Button) -> Button:
        value = self._device.value[getattr(self._evdev.EV_ABS, axis)] or 0
        return low if value < 0 else high if value > 0 else NO_BUTTONS

    def _is_microsofts(self) -> bool:
        """Whether Microsoft's driver made it: pads of other makers use that too."""
        driver = SYSTEM / self.path.name / "device" / "device" / "driver"
        with contextlib.suppress(OSError):
            if driver.resolve(strict=True).name == "xpad":
                return True
        name = self.name.lower()
        return self._device.id["vendor"] == 0x045E or "x-box" in name or "xbox" in name


class EvdevPads(HumanPads):
    """Every pad in ``/dev/input`` that may be read and is not ours."""

    def __init__(self) -> None:
        problem = evdev_report()
        if not problem.available:
            raise PadUnavailable(problem.reason, problem.hint)
        self._pads: dict[Path, EvdevPad] = {}
        self._states: dict[Path, GamepadState] = {}
        self._others: dict[Path, int] = {}
        self._last = NEUTRAL
        self._scan_at = 0.0
        self._wake, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._woken = False

    def poll(self, timeout: float) -> GamepadState | None:
        """As ``HumanPads``."""
        deadline = time.monotonic() + timeout
        while not self._woken:
            now = time.monotonic()
            if now >= self._scan_at:
                self._scan()
                self._scan_at = now + SCAN_S
            wait = max(min(deadline, self._scan_at) - now, 0.0)
            for key, _ in self._selector.select(wait):
                if isinstance(key.data, Path):
                    self._read(key.data)
            whole = merged(self._states.values())
            if whole != self._last:
                self._last = whole
                return whole
            if time.monotonic() >= deadline:
                return None
        return None

    def wake(self) -> None:
        """As ``HumanPads``."""
        self._woken = True
        self._waker.send(b"x")

    def close(self) -> None:
        """As ``HumanPads``."""
        for path in list(self._pads):
            self._drop(path)
        self._selector.close()
        self._wake.close()
        self._waker.close()

    def _scan(self) -> None:
        """Open pads that have come, drop those that have gone or turn out to be ours."""
        own = own_pads.nodes()
        try:
            nodes = {path: path.stat().st_ino for path in INPUT.glob("event*")}
        except OSError:
            nodes = {}
        for path in list(self._pads):
            if path not in nodes or str(path) in own:
                self._drop(path)
        self._others = {p: inode for p, inode in self._others.items() if nodes.get(p) == inode}
        for path, inode in nodes.items():
            if path in self._pads or path in self._others or str(path) in own:
                continue
            if not self._open(path):
                self._others[path] = inode

    def _open(self, path: Path) -> bool:
        """Take a device in, if it is a pad; False if it never will be."""
        try:
            pad = EvdevPad(path)
        except PermissionError:
            return True  # udev may let us in a moment after the device is there
        except OSError:
            return False
        if not pad.is_pad:
            pad.close()
            return False
        if str(path) in own_pads.nodes():  # plugged in while we looked
            pad.close()
            return True
        _log.info("a human's pad: %s (%s)", pad.name, path)
        self._pads[path] = pad
        self._selector.register(pad.handle, selectors.EVENT_READ, path)
        self._read(path)
        return True

    def _read(self, path: Path) -> None:
        if str(path) in own_pads.nodes():
            self._drop(path)
            return
        try:
            self._states[path] = self._pads[path].read()
        except OSError:
            self._drop(path)

    def _drop(self, path: Path) -> None:
        self._states.pop(path, None)
        pad = self._pads.pop(path)
        self._selector.unregister(pad.handle)
        pad.close()


def evdev_report() -> HumanReport:
    """Whether event devices can be read here."""
    if importlib.util.find_spec("libevdev") is None:
        return HumanReport(
            False, "the Python package libevdev is not installed", "pip install libevdev"
        )
    if not INPUT.is_dir():
        return HumanReport(
            False,
            f"{INPUT} does not exist: no physical pad can be read",
            "in a container: add `-v /dev/input:/dev/input --device-cgroup-rule 'c 13:* rmw'`",
        )
    nodes = sorted(INPUT.glob("event*"))
    # Pads get a rule of their own for whoever sits at the machine; keyboards do not.
    closed = [node for node in _joysticks(nodes) if not os.access(node, os.R_OK)]
    if closed:
        names = ", ".join(str(node) for node in closed)
        return HumanReport(False, f"no permission to read the pad {names}", JOIN_INPUT)
    pads = len(_joysticks(nodes))
    return HumanReport(True, f"read from {INPUT}; pads there now: {pads}")


def _joysticks(nodes: list[Path]) -> list[Path]:
    """The nodes that the kernel offers as joysticks too; knows without opening them."""
    found = []
    for node in nodes:
        device = SYSTEM / node.name / "device"
        with contextlib.suppress(OSError):
            if any(entry.name.startswith("js") for entry in device.iterdir()):
                found.append(node)
    return found
