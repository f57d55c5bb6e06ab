"""Physical pads on Windows, through XInput, which has to be asked again and again."""

from __future__ import annotations

import sys
import threading
import time
from typing import NamedTuple, Protocol

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.human.reader import HumanPads, merged
from nitropilot.controller.pads import own_pads
from nitropilot.controller.state import NEUTRAL, Button, GamepadState

SLOTS = range(4)
LOOK_S = 0.008
"""How often pads are asked: as often as they report by USB."""
SCAN_S = 1.0
"""How often empty slots are asked, which takes Windows a while."""


class Report(NamedTuple):
    """One pad's state in XInput's units; ``buttons`` are ``controller.Button`` bits."""

    buttons: int
    left_trigger: int
    right_trigger: int
    left: tuple[int, int]
    right: tuple[int, int]


class XInput(Protocol):
    """The one call of Windows that is used here."""

    def report(self, slot: int) -> Report | None:
        """The state of the pad in a slot, None if there is none."""


def load_xinput() -> XInput:
    """XInput of this Windows.

    Raises:
        PadUnavailable: It is not there.
    """
    if sys.platform == "win32":
        from nitropilot.controller.human.xinput_api import Api

        try:
            return Api()
        except OSError as error:
            raise PadUnavailable(
                f"XInput cannot be loaded ({error})", "Windows 8 and newer have it"
            ) from None
    raise PadUnavailable("XInput is a part of Windows")


class XInputPads(HumanPads):
    """The pads in XInput's four slots, but for ours.

    Args:
        xinput: The system's call.
    """

    def __init__(self, xinput: XInput) -> None:
        self._xinput = xinput
        self._there: set[int] = set()
        self._scan_at = 0.0
        self._last = NEUTRAL
        self._woken = threading.Event()

    def poll(self, timeout: float) -> GamepadState | None:
        """As ``HumanPads``."""
        deadline = time.monotonic() + timeout
        while not self._woken.is_set():
            state = merged(self._states())
            if state != self._last:
                self._last = state
                return state
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            # Without a pad nothing can change before the next scan.
            pause = LOOK_S if self._there else max(self._scan_at - time.monotonic(), LOOK_S)
            self._woken.wait(min(pause, left))
        return None

    def wake(self) -> None:
        """As ``HumanPads``."""
        self._woken.set()

    def close(self) -> None:
        """Nothing is held."""

    def _states(self) -> list[GamepadState]:
        own = own_pads.slots()
        if own is None:  # any of them may be ours
            return []
        now = time.monotonic()
        scan = now >= self._scan_at
        if scan:
            self._scan_at = now + SCAN_S
        states: list[GamepadState] = []
        for slot in SLOTS:
            if slot in own or not (scan or slot in self._there):
                continue
            report = self._xinput.report(slot)
            if report is None:
                self._there.discard(slot)
            else:
                self._there.add(slot)
                states.append(_state(report))
        return states


def _state(report: Report) -> GamepadState:
    def stick(pair: tuple[int, int]) -> tuple[float, float]:
        return pair[0] / 32767, pair[1] / 32767

    return GamepadState(
        left=stick(report.left),
        right=stick(report.right),
        left_trigger=report.left_trigger / 255,
        right_trigger=report.right_trigger / 255,
        buttons=Button(report.buttons & sum(Button)),
    )
