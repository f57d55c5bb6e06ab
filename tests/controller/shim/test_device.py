"""The pad as a device: what programs that read events by themselves find."""

from __future__ import annotations

import os
import signal
import stat
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.state import NEUTRAL, Button, GamepadState

if TYPE_CHECKING:
    from nitropilot.controller.pads.pad_page import PadPage
    from tests.controller.shim.conftest import Console

REPORT = [0, 0, 0]
DROPPED = [0, 3, 0]
BTN_A, BTN_B = 0x130, 0x131
ABS_X, ABS_Z, ABS_HAT0X = 0, 2, 16
A = GamepadState(buttons=Button.A)
EVENT = 24


def test_a_press_is_an_event_and_a_report(console: Console, page: PadPage) -> None:
    """Readers act at the report: without it nothing ever happens."""
    console.ask("pad = opened()")
    assert console.ask("name(pad)") == "Microsoft X-Box 360 pad"
    assert console.ask("read(pad)") == "EAGAIN"
    page.write(GamepadState(left=(1.0, 0.0), left_trigger=1.0, buttons=Button.A | Button.DPAD_LEFT))
    assert console.ask("read(pad)") == [
        [1, BTN_A, 1], [3, ABS_X, 32767], [3, ABS_Z, 255], [3, ABS_HAT0X, -1], REPORT,
    ]  # fmt: skip
    page.write(A)
    assert console.ask("read(pad)") == [[3, ABS_X, 0], [3, ABS_Z, 0], [3, ABS_HAT0X, 0], REPORT]
    assert console.ask("[keys(pad), axis(pad, 0)]") == [[BTN_A], [0, -32768, 32767, 16, 128, 0]]


@pytest.mark.parametrize("way", ["read", "poll", "select", "epoll", "ioctl"])
def test_who_asks_sees_what_was_written_just_before(
    without_threads: Console, page: PadPage, way: str
) -> None:
    """After a freeze the game's first look must be at the pad as it is, not as it was."""
    console = without_threads
    console.ask("pad = opened()")
    page.write(A)
    if way == "read":
        assert console.ask("read(pad)") == [[1, BTN_A, 1], REPORT]
    elif way == "ioctl":
        assert console.ask("keys(pad)") == [BTN_A]
    else:
        assert console.ask(f"ready(pad, {way!r})") is True
    assert "no thread" in page.status().error


def test_a_thawed_game_reads_the_state_of_now(console: Console, page: PadPage) -> None:
    """What was pressed and let go while it stood still is no business of the game's."""
    console.ask("pad = opened()")
    page.write(A)
    assert console.ask("read_all(pad)") == [[1, BTN_A, 1], REPORT]
    console.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, console.process.pid, os.WSTOPPED | os.WNOWAIT)
    for button in (Button.X, Button.Y, Button.B):
        page.write(GamepadState(buttons=button))
    console.process.send_signal(signal.SIGCONT)
    assert console.ask("read_all(pad)") == [[1, BTN_A, 0], [1, BTN_B, 1], REPORT]


def test_a_reader_who_waits_is_woken(console: Console, page: PadPage) -> None:
    """A game with a thread for its pad would wait for ever: it never asks again."""
    console.ask("pad = opened(os.O_RDONLY)")
    console.send("read(pad)")
    page.write(A)
    assert console.hear() == [[1, BTN_A, 1], REPORT]


def test_a_reader_who_waits_is_told_of_the_expiry(console: Console, page: PadPage) -> None:
    """Whoever pressed it stands still and nobody writes any more: the game itself lets go."""
    console.ask("pad = opened(os.O_RDONLY)")
    page.write(A, lasts=0.3)
    assert console.ask("read(pad)") == [[1, BTN_A, 1], REPORT]
    assert console.ask("read(pad)") == [[1, BTN_A, 0], REPORT]


def test_every_reader_has_its_own_queue(console: Console, page: PadPage) -> None:
    """Two parts of a game that read one pad must not take each other's presses."""
    console.ask("one = opened(); two = opened(); copy = os.dup(one)")
    page.write(A)
    assert console.ask("read(one)") == [[1, BTN_A, 1], REPORT]
    page.write(NEUTRAL)
    assert console.ask("[read_all(two), keys(two)]") == [
        [[1, BTN_A, 1], REPORT, [1, BTN_A, 0], REPORT], [],
    ]  # fmt: skip
    console.ask("os.close(one)")
    page.write(A)
    assert console.ask("[keys(copy), read_all(copy)]") == [
        [BTN_A], [[1, BTN_A, 0], REPORT, [1, BTN_A, 1], REPORT],
    ]  # fmt: skip


def test_a_reader_who_is_too_slow_is_told_so(console: Console, page: PadPage) -> None:
    """A game that loads for a minute must not run on with what was pressed then."""
    console.ask("pad = opened()")
    for count in range(400):
        page.write(A if count % 2 else NEUTRAL)
        console.ask("keys(pad)")
    page.write(GamepadState(left=(1.0, 0.0), buttons=Button.B))
    events = console.ask("read_all(pad)")
    assert DROPPED in events
    assert len(events) < 400
    state: dict[int, int] = {}
    for kind, code, value in events:
        state |= {code: value} if kind else {}
    assert (state[BTN_A], state[BTN_B], state[ABS_X]) == (0, 1, 32767)
    assert console.ask("[keys(pad), axis(pad, 0)[0]]") == [[BTN_B], 32767]
    page.write(A)
    assert DROPPED not in console.ask("read_all(pad)"), "once is enough"


def test_who_grabs_the_pad_has_it_alone(console: Console, page: PadPage) -> None:
    """Wrappers that translate a pad grab it: the game would else see each press twice."""
    console.ask("one = opened(); two = opened()")
    assert console.ask("[grab(one, 1), grab(two, 1)]") == [0, "EBUSY"]
    page.write(A)
    assert console.ask("[read_all(one), read_all(two)]") == [[[1, BTN_A, 1], REPORT], []]
    assert console.ask("[grab(two, 0), grab(one, 0)]") == ["EINVAL", 0]
    page.write(NEUTRAL)
    assert console.ask("read_all(two)") == [[1, BTN_A, 0], REPORT]


def test_a_fork_shares_the_reader(console: Console, page: PadPage) -> None:
    """Launchers open the pad and fork; a lock that a thread of the parent held hangs the child."""
    console.ask("pad = opened()")
    page.write(A)
    console.ask("keys(pad)")
    assert console.ask("child_reads(pad)") == [[[1, BTN_A, 1], REPORT], [BTN_A], [BTN_A]]
    page.write(NEUTRAL)
    assert console.ask("read_all(pad)") == [[1, BTN_A, 0], REPORT]


@pytest.mark.parametrize(("clock", "now"), [(0, time.time), (1, time.monotonic)])
def test_events_bear_the_time_that_was_asked_for(
    console: Console, page: PadPage, clock: int, now: object
) -> None:
    """Games subtract it from their own clock; of another one, every press is years old."""
    assert callable(now)
    console.ask("pad = opened()")
    console.ask(f"choose_clock(pad, {clock})")
    before = now()
    page.write(A)
    console.ask("keys(pad)")
    assert console.ask("ready(pad, 'poll')")
    assert before - 0.001 <= console.ask("stamp(pad)") <= now()


def test_odd_sizes_give_whole_events(console: Console, page: PadPage) -> None:
    """Half an event shifts all that come after it."""
    console.ask("pad = opened()")
    page.write(A)
    assert console.ask("read(pad, 23)") == "EINVAL"
    assert console.ask("read(pad, 47)") == [[1, BTN_A, 1]]
    assert console.ask("read(pad, 47)") == [REPORT]


def test_rumble_is_taken_and_forgotten(console: Console, page: PadPage) -> None:
    """A game that shakes the pad for an hour must not wait for somebody to feel it."""
    console.ask("pad = opened(os.O_RDWR)")
    assert console.ask("sum(os.write(pad, EVENT.pack(0, 0, 21, 1, 1)) for _ in range(5000))") == (
        5000 * EVENT
    )


def test_what_the_folder_shows(console: Console) -> None:
    """Programs look for files that are devices, may be opened, and lie where they think."""
    assert console.ask("os.listdir('/dev/input')") == ["event0"]
    mode, number = console.ask("(lambda s: [s.st_mode, s.st_rdev])(os.stat(PAD))")
    assert stat.S_ISCHR(mode)
    assert (os.major(number), os.minor(number)) == (13, 64)
    assert stat.S_ISCHR(console.ask("os.stat(PAD, follow_symlinks=False).st_mode"))
    assert stat.S_ISCHR(console.ask("os.fstat(opened()).st_mode"))
    assert console.ask("os.access(PAD, os.R_OK | os.W_OK)") is True
    assert console.ask("os.path.exists('/dev/input/event1')") is False
    assert console.ask("open('/dev/input/event1')") == "ENOENT"
    assert console.ask("[one.is_file() for one in os.scandir('/dev/input')]") == [False]
    console.ask("folder = os.open('/dev/input', os.O_RDONLY)")
    assert console.ask("name(os.open('event0', os.O_RDONLY, dir_fd=folder))").startswith("Micro")
    console.ask("library = ctypes.CDLL(None); library.realpath.restype = ctypes.c_char_p")
    assert console.ask("library.realpath(b'/dev/input/event0', None).decode()") == (
        "/dev/input/event0"
    )


def test_unplugged_and_plugged_again(console: Console, page: PadPage) -> None:
    """Games that miss it read a device that is gone, or never see the one that came."""
    console.ask("pad = opened(); folder = watch()")
    page.write(A)
    assert console.ask("read(pad)") == [[1, BTN_A, 1], REPORT]
    page.plug(False)
    assert console.ask("read(pad)") == "ENODEV"
    assert console.ask("keys(pad)") == "ENODEV"
    assert console.ask("opened()") == "ENOENT"
    assert console.ask("os.listdir('/dev/input')") == []
    page.plug(True)
    assert console.ask("read(pad)") == "ENODEV", "it never comes back to who had it"
    console.ask("again = opened()")
    assert console.ask("keys(again)") == [BTN_A]
    told = console.ask("changes(folder)")
    assert [0x200, "event0"] in told
    assert [0x100, "event0"] in told
    assert told[-1] == [0x4, "event0"], "udev's rights come last, and some wait for them"


def test_a_reader_who_waits_is_told_that_it_is_gone(console: Console, page: PadPage) -> None:
    """A thread that waits for a pad that is gone keeps the game from ending."""
    console.ask("pad = opened(os.O_RDONLY)")
    console.send("read(pad)")
    page.plug(False)
    assert console.hear() == "ENODEV"
