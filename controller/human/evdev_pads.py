"""Physical pads on Linux, through the kernel's event devices and libevdev.

SDL would know more old pads by name, but cannot tell ours from others and wants the program's
main thread.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import selectors
import socket
import time
from pathlib import Path

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.human.evdev_pad import SYSTEM, EvdevPad
from nitropilot.controller.human.reader import HumanPads, HumanReport, merged
from nitropilot.controller.pads import own_pads
from nitropilot.controller.state import NEUTRAL, GamepadState

INPUT = Path("/dev/input")
SCAN_S = 1.0
"""How often to look whether a pad was plugged in."""
JOIN_INPUT = "`sudo usermod -aG input $USER` and log in again, or log in at the machine itself"

_log = logging.getLogger(__name__)


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
    return HumanReport(True, f"read from {INPUT}; pads there now: {pads}", pads=pads)


def _joysticks(nodes: list[Path]) -> list[Path]:
    """The nodes that the kernel offers as joysticks too; knows without opening them."""
    found = []
    for node in nodes:
        device = SYSTEM / node.name / "device"
        with contextlib.suppress(OSError):
            if any(entry.name.startswith("js") for entry in device.iterdir()):
                found.append(node)
    return found
