"""``EvdevPad``: one pad of Linux, read through libevdev.

libevdev comes with vgamepad.  It keeps a device's state, also over events that the kernel
had to drop, and knows the ranges of its axes.

Buttons are named as in the kernel's gamepad specification, by their place.  Microsoft's own
driver is older than that and has X and Y the other way round.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from nitropilot.controller.state import NO_BUTTONS, Button, GamepadState

SYSTEM = Path("/sys/class/input")
STEAM_COPY = (0x28DE, 0x11FF)
"""Vendor and product of the pads that Steam makes of others."""

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
        self._file = os.fdopen(_open(path), "rb", buffering=0)
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
        low, high, value = (float(n) for n in (info.minimum, info.maximum, info.value))
        return (value - low) / (high - low)

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


def _open(path: Path) -> int:
    """A file that reads what there is and does not wait for more."""
    if sys.platform == "linux":
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    raise OSError("event devices are a part of Linux")
