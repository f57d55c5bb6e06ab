"""What a human does on physical pads: dead zones, several pads, XInput at its call."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from nitropilot.controller import NEUTRAL, Button, GamepadState
from nitropilot.controller.human.reader import human_report, merged, touched
from nitropilot.controller.human.xinput_pads import Report, XInputPads
from nitropilot.controller.pads import own_pads

RESTING = Report(0, 0, 0, (0, 0), (0, 0))


@pytest.mark.parametrize(
    ("state", "yes"),
    [
        (NEUTRAL, False),
        (GamepadState(left=(0.2, -0.2)), False),
        (GamepadState(left_trigger=0.1), False),
        (GamepadState(left=(0.25, 0.25)), True),
        (GamepadState(right=(0.0, -0.4)), True),
        (GamepadState(right_trigger=0.3), True),
        (GamepadState(buttons=Button.GUIDE), True),
    ],
)
def test_touched(state: GamepadState, yes: bool) -> None:
    """A worn stick that is a little off must not take the game from the agent."""
    assert touched(state) is yes


def test_several_pads_are_one() -> None:
    """Whoever of two people presses something has pressed it."""
    assert merged([]) == NEUTRAL
    first = GamepadState(left=(0.1, 0.0), left_trigger=1.0, buttons=Button.A)
    second = GamepadState(left=(0.0, -0.9), right=(0.2, 0.0), buttons=Button.B)
    assert merged([first]) is first
    assert merged([first, second]) == GamepadState(
        left=(0.0, -0.9), right=(0.2, 0.0), left_trigger=1.0, buttons=Button.A | Button.B
    )


class FakeXInput:
    """Pads by slot, as XInputGetState tells of them."""

    def __init__(self) -> None:
        self.pads: dict[int, Report] = {}
        self.asked: list[int] = []

    def report(self, slot: int) -> Report | None:
        self.asked.append(slot)
        return self.pads.get(slot)


def test_xinput_reads_changes_in_our_units() -> None:
    """Y grows upward in XInput as with us; a trigger has 8 bits, a stick 16."""
    xinput = FakeXInput()
    pads = XInputPads(xinput)
    assert pads.poll(0.05) is None
    xinput.pads[2] = RESTING
    pads._scan_at = 0.0
    assert pads.poll(0.0) is None
    xinput.pads[2] = Report(0x1000 | 0x8000 | 0x0800, 255, 51, (-32768, 32767), (0, -16384))
    state = pads.poll(60.0)
    assert state is not None
    assert state.buttons == Button.A | Button.Y, "a bit that no button has was taken for one"
    assert (state.left, state.left_trigger, state.right_trigger) == ((-1.0, 1.0), 1.0, 0.2)
    assert state.right == pytest.approx((0.0, -0.5), abs=0.001)
    del xinput.pads[2]
    assert pads.poll(60.0) == NEUTRAL, "an unplugged pad still holds its buttons"


def test_xinput_leaves_our_own_pad_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while ViGEm has not said yet which slot is ours: then nobody is a human."""
    xinput = FakeXInput()
    xinput.pads = {0: RESTING._replace(buttons=0x1000), 1: RESTING._replace(buttons=0x2000)}
    ours: dict[str, Any] = {"slots": None}
    monkeypatch.setattr(own_pads, "slots", lambda: ours["slots"])
    pads = XInputPads(xinput)
    assert pads.poll(0.0) is None
    ours["slots"] = {0}
    state = pads.poll(60.0)
    assert state is not None
    assert state.buttons == Button.B


def test_xinput_rarely_asks_empty_slots() -> None:
    """Asking for a pad that is not there costs Windows milliseconds, in every game's time."""
    xinput = FakeXInput()
    xinput.pads[0] = RESTING
    pads = XInputPads(xinput)
    pads.poll(0.3)
    assert xinput.asked.count(0) > 3
    assert xinput.asked.count(1) == 1


def test_a_poll_can_be_woken() -> None:
    """Closing the daemon must not wait for a human to press something."""
    pads = XInputPads(FakeXInput())
    thread = threading.Thread(target=pads.poll, args=(3600.0,))
    thread.start()
    time.sleep(0.05)
    pads.wake()
    thread.join(60.0)
    assert not thread.is_alive()
    assert pads.poll(3600.0) is None


def test_our_pads_are_forgotten_with_their_devices() -> None:
    """The note must not keep a device plugged in, nor a number that another pad gets next."""

    class Device:
        def __init__(self, node: str) -> None:
            self.uinput = type("Uinput", (), {"devnode": node})()

    first, second = Device("/dev/input/event7"), Device("/dev/input/event9")
    own_pads.note(first)
    own_pads.note(second)
    assert {"/dev/input/event7", "/dev/input/event9"} <= own_pads.nodes()
    del first
    assert "/dev/input/event7" not in own_pads.nodes()
    assert "/dev/input/event9" in own_pads.nodes()


def test_the_report_says_what_to_do() -> None:
    """Doctor's line: where pads cannot be read there has to be a way out."""
    report = human_report()
    assert report.reason
    assert report.available or report.hint
