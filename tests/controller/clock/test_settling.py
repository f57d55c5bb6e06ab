"""Lockstep waits until everybody rests, and takes nobody for resting who does not."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from tests.controller.clock.conftest import clock_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PASSES = 3000
ROUNDS = 20
CROWD = 80
"""Threads that rest beside them."""


@pytest.fixture
def page() -> Iterator[ClockPage]:
    made = ClockPage.create(lockstep=True, seed=1)
    yield made
    made.close()
    made.unlink()


@pytest.fixture
def busy() -> Iterator[None]:
    """Whoever looks at threads loses the processor between two of these looks."""
    load = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(3)]
    yield
    for each in load:
        each.kill()
        each.wait()


def relay(way: str, page: ClockPage, compiled: Callable[..., Path]) -> list[int]:
    """What ``relay.c`` says."""
    command = [compiled("relay", "-lpthread"), way, str(PASSES), str(CROWD)]
    said = subprocess.check_output(command, env=clock_environment(page), text=True)
    return [int(word) for word in said.split()]


@pytest.mark.usefixtures("busy")
def test_helpers_are_done_before_time_goes_on(
    page: ClockPage, compiled: Callable[..., Path]
) -> None:
    """Of two threads that work in turn one is always awake, but each may be found asleep: time
    would go on in the middle of their work, on a busy machine only."""
    assert relay("beside", page, compiled) == [PASSES * turn for turn in range(1, ROUNDS)]
    assert page.status().unsettled == 0, "each of them had its seat"


@pytest.mark.usefixtures("busy")
def test_a_main_thread_that_is_helped_is_not_stuck(
    page: ClockPage, compiled: Callable[..., Path]
) -> None:
    """A main thread waits for a helper that works: nobody may wake those who sleep."""
    assert relay("in turn", page, compiled) == [0]
    assert "keeper" not in page.status().used
