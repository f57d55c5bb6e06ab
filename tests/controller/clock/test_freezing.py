"""The three ways to hold a game still, with a real program that is stopped for real."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.freezing import ClockFreezer, FreezeWay
from nitropilot.controller.errors import ClockFailed
from nitropilot.controller.pausing.pauser import Pauser

if TYPE_CHECKING:
    from nitropilot.controller.clock.clock_page import ClockPage
    from tests.controller.clock.conftest import Talker

STOOD_S = 1.0


def moments(waits: Talker, freezer: ClockFreezer) -> tuple[float, float]:
    """How far its clock went, and the true one, over a freeze."""
    before, began = waits.ask("read 0")[0], time.monotonic()
    freezer.freeze()
    time.sleep(STOOD_S)
    freezer.thaw()
    return waits.ask("read 0")[0] - before, time.monotonic() - began


@pytest.mark.parametrize("way", [FreezeWay.BOTH, FreezeWay.CLOCK])
def test_time_is_continuous(way: FreezeWay, page: ClockPage, waits: Talker) -> None:
    """A game that sees how long it stood jumps: its physics are not those of play."""
    with Pauser(waits.process.pid) as pauser:
        its, true = moments(waits, ClockFreezer(way, pauser, page))
    assert its <= true - STOOD_S + 0.05


def test_a_stop_alone_is_seen(page: ClockPage, waits: Talker) -> None:
    """What is measured against: without the clock the time of the stop is the game's."""
    with Pauser(waits.process.pid) as pauser:
        its, _ = moments(waits, ClockFreezer(FreezeWay.PROCESS, pauser, page))
    assert its >= STOOD_S


def test_the_clock_alone_lets_it_run(page: ClockPage, waits: Talker) -> None:
    """A game that may not be stopped must still answer while its time stands."""
    freezer = ClockFreezer(FreezeWay.CLOCK, None, page)
    freezer.freeze()
    assert waits.ask("read 0")[0] == waits.ask("read 0")[0]
    freezer.set_scale(10)
    freezer.thaw()
    began, before = time.monotonic(), waits.ask("read 0")[0]
    time.sleep(0.1)
    assert waits.ask("read 0")[0] - before >= (time.monotonic() - began) * 5


def test_who_is_continued_by_others_has_time(page: ClockPage, waits: Talker) -> None:
    """A game that is told to quit while it is held, and continued for that, has to get there."""
    with Pauser(waits.process.pid) as pauser:
        freezer = ClockFreezer(FreezeWay.BOTH, pauser, page)
        freezer.freeze()
        assert not freezer.look()
        waits.process.send_signal(signal.SIGCONT)
        assert freezer.look()
        freezer.renew()
        began, before = time.monotonic(), waits.ask("read 0")[0]
        time.sleep(0.1)
        assert waits.ask("read 0")[0] - before >= (time.monotonic() - began) * 0.9
        assert not freezer.look()
        freezer.thaw()
        freezer.freeze()
        assert freezer.frozen
        freezer.thaw()


@pytest.mark.parametrize("way", list(FreezeWay))
def test_a_way_that_lacks_something(way: FreezeWay) -> None:
    """A freeze that does nothing would be found out in the middle of play."""
    with pytest.raises(ClockFailed, match="cannot be frozen by"):
        ClockFreezer(way, None, None)
