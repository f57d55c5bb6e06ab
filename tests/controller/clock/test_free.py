"""Time that runs, slower or faster or not at all, in a real program."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.errors import ClockFailed, ClockLapsed

if TYPE_CHECKING:
    from tests.controller.clock.conftest import Talker

WAYS = (
    "nanosleep", "clock_nanosleep", "until", "usleep", "thrd_sleep", "poll", "ppoll", "select",
    "pselect", "epoll_wait", "epoll_pwait", "cond_timedwait", "cond_monotonic", "cond_clockwait",
    "cnd_timedwait", "sem_timedwait", "sem_clockwait", "timerfd", "syscall", "dlsym", "futex",
    "futex_until", "timedjoin", "timedlock", "mtx_timedlock", "clocklock", "timedrdlock",
    "timedwrlock", "clockrdlock", "clockwrlock",
)  # fmt: skip
OF_THREADS = tuple(way for way in WAYS if "lock" in way[-8:] or way == "timedjoin")
"""These wait for what another thread has."""
CLOCKS = 12
PROCESSOR, SECONDS = 9, 8


@pytest.mark.parametrize("way", WAYS)
def test_no_wait_is_cut_short_by_slower_time(way: str, page: ClockPage, waits: Talker) -> None:
    """A sleeper that is woken early runs ahead of its game."""
    page.run(0.1)
    before = time.monotonic()
    assert waits.ask(f"{way} 20")[0] >= 0.0199
    assert time.monotonic() - before >= 0.19


@pytest.mark.parametrize("way", WAYS)
def test_faster_time_shortens_every_wait(way: str, page: ClockPage, waits: Talker) -> None:
    """Whoever sleeps by the true clock holds a fast game up: 4 s would pass here, not 0.4."""
    page.run(10)
    assert waits.ask("read 0")
    before = time.monotonic()
    passed = waits.ask(f"{way} 4000")[0]
    assert passed >= 3.999
    assert time.monotonic() - before < passed / 2


@pytest.mark.parametrize("way", [way for way in WAYS if way not in OF_THREADS])
def test_no_wait_ends_while_time_stands(way: str, page: ClockPage, waits: Talker) -> None:
    """A game that is frozen by its clock alone must not go on behind our back."""
    waits.tell(f"{way} 100")
    page.freeze()
    assert waits.silent(0.25)
    page.run()
    assert waits.hear()[0] >= 0.0999


def test_what_is_asked_for_while_time_stands(page: ClockPage, waits: Talker) -> None:
    """A lock for 5 ms was waited for until the next day: its end was worked out once, frozen."""
    for way in OF_THREADS:
        page.freeze()
        waits.tell(f"{way} 5")
        assert waits.silent(0.03), way
        page.run()
        assert waits.hear()[0] >= 0.0049, way


def test_all_clocks_tell_the_same_time(page: ClockPage, waits: Talker) -> None:
    """A clock that is forgotten shows a game how long it stood."""
    page.freeze()
    first = waits.ask("read 0")
    time.sleep(0.3)
    second = waits.ask("read 0")
    assert len(first) == CLOCKS
    assert first[:PROCESSOR] == second[:PROCESSOR]
    assert first[PROCESSOR + 1 :] == second[PROCESSOR + 1 :]
    monotonic = [first[i] for i in (0, 1, 2, 3, 4, 5)]
    of_the_day = [first[i] for i in (6, 7, 10, 11)]
    assert max(monotonic) - min(monotonic) < 1e-5
    assert max(of_the_day) - min(of_the_day) < 1e-5
    assert int(first[6]) == first[SECONDS]
    assert abs(first[6] - time.time()) < 60, "nobody asked for another day"
    page.run(2)
    before, began = waits.ask("read 0"), time.monotonic()
    time.sleep(0.2)
    took = time.monotonic() - began
    assert all(
        after - then >= (0.39 if i not in (PROCESSOR, SECONDS) else 0)
        for i, (then, after) in enumerate(zip(before, waits.ask("read 0"), strict=True))
    ), took


def test_work_is_not_counted_while_time_stands(page: ClockPage, waits: Talker) -> None:
    """``clock`` counts the processor's time, by which some games wait."""
    waits.ask("read 0")
    page.freeze()
    waits.ask("read 0")
    waits.tell("work 300")
    assert not waits.silent(60)
    assert waits.ask("read 0")[PROCESSOR] < 0.05


def test_a_stop_of_the_process_is_no_time(page: ClockPage, waits: Talker) -> None:
    """The known limit of pausing: the game's clock jumped by the time that it was stopped."""
    began = time.monotonic()
    waits.tell("nanosleep 100")
    at = time.monotonic_ns()
    os.kill(waits.process.pid, signal.SIGSTOP)
    page.freeze(at)
    time.sleep(2)
    page.run()
    os.kill(waits.process.pid, signal.SIGCONT)
    assert 0.0999 <= waits.hear()[0] < time.monotonic() - began - 1.5


def test_time_never_goes_back(page: ClockPage, waits: Talker) -> None:
    """A game that is stopped has seen a later time than the one at which its stop was asked."""
    for _ in range(50):
        seen = waits.ask("read 0")[0]
        page.freeze(time.monotonic_ns() - 10**9)
        assert waits.ask("read 0")[0] >= seen
        page.run()
    assert waits.ask("read 0")[0] >= seen


def test_a_lease_ends_a_freeze(page: ClockPage, waits: Talker) -> None:
    """Whoever froze a game and died leaves it standing for ever."""
    page.lease(0.3)
    page.freeze()
    assert waits.ask("nanosleep 50")[0] >= 0.0499
    time.sleep(0.3)
    with pytest.raises(ClockLapsed, match="went on by itself"):
        page.renew(10)


def test_a_lease_that_is_renewed_holds(page: ClockPage, waits: Talker) -> None:
    """A model that thinks for long, and says so, has a game that stands."""
    page.lease(60)
    page.freeze()
    page.renew(120)
    waits.tell("nanosleep 10")
    assert waits.silent(0.3)
    page.lease(None)
    page.run()
    assert waits.hear()


def test_a_wait_goes_on_when_time_does(page: ClockPage, waits: Talker) -> None:
    """Who sleeps through two changes of the course must wake at the right time of the last."""
    waits.tell("cond_timedwait 1000")
    page.freeze()
    threading.Timer(0.1, lambda: page.run(10)).start()
    assert waits.hear()[0] >= 0.999


@pytest.mark.parametrize("scale", [0.0, 0.05, 11.0, -1.0, float("nan")])
def test_a_scale_that_no_game_bears(scale: float, page: ClockPage) -> None:
    """Time must not go backwards, nor so fast that nobody can play."""
    with pytest.raises(ClockFailed, match="is not from"):
        page.run(scale)


def test_a_closed_page(page: ClockPage) -> None:
    """A write to memory that is gone would end this process."""
    page.close()
    with pytest.raises(ClockFailed, match="is closed"):
        page.run()


def test_a_page_is_opened_again(page: ClockPage, waits: Talker) -> None:
    """The hand is another process than the one that launched the game."""
    other = ClockPage.open(page.path)
    other.freeze()
    seen = waits.ask("read 0")
    assert waits.ask("read 0")[0] == seen[0]
    other.close()
