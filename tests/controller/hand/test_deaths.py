"""Whatever happens to the daemon and to the hand: neutral pad, running game, nothing left."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.controller.ledger.heal import heal_all
from nitropilot.controller.processes import State, state
from tests.controller.pausing.ticking import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.controller.hand.conftest import HeldGame, StandIn

    Start = Callable[..., StandIn]

WAYS = ("frozen", "pressed", "passed")


def gone(process: psutil.Process) -> bool:
    return state(process) is State.GONE


def check_let_go(held: HeldGame, what: str, began: float) -> None:
    """Neutral, then running, and said how long that took."""
    wait_for(lambda: not held.pressed(), "a neutral pad")
    neutral = time.monotonic()
    held.game.await_ticks()
    runs = time.monotonic()
    print(f"{what}: neutral after {(neutral - began) * 1e3:.0f} ms, runs after "
          f"{(runs - began) * 1e3:.0f} ms")  # fmt: skip
    assert not held.pressed()


@pytest.mark.parametrize(
    ("name", "what"),
    [*(("SIGKILL", what) for what in WAYS),
     *((name, "frozen") for name in ("SIGTERM", "SIGINT", "SIGHUP"))],
)  # fmt: skip
def test_a_daemon_that_is_killed(held: HeldGame, daemon: Start, name: str, what: str) -> None:
    """The worst of all failures is a game that hangs because its helper died."""
    one = daemon(what)
    assert held.game.stands() == (what == "frozen")
    began = time.monotonic()
    os.kill(one.process.pid, getattr(signal, name))
    check_let_go(held, f"{name}, {what}", began)
    wait_for(lambda: gone(one.hand), "the hand to end")
    assert not list(held.ledger.iterdir())


@pytest.mark.parametrize("end", ["segv", "sys.exit", "os._exit"])
def test_a_daemon_that_ends_itself(held: HeldGame, daemon: Start, end: str) -> None:
    """A crash or an exit in a corner of the code reaches no ``finally``."""
    one = daemon("frozen", end=end)
    check_let_go(held, end, time.monotonic())
    wait_for(lambda: gone(one.hand), "the hand to end")


def test_the_death_of_the_whole_process_group(held: HeldGame, daemon: Start) -> None:
    """Shells and service managers kill groups; the hand must not be in ours."""
    one = daemon("frozen")
    os.killpg(one.process.pid, signal.SIGKILL)
    check_let_go(held, "group", time.monotonic())


def test_children_of_the_daemon_do_not_hide_its_death(held: HeldGame, daemon: Start) -> None:
    """A launched game or a forked worker that holds the pipe would keep it open."""
    one = daemon("frozen", end="children")
    assert len(one.children) == 2
    one.process.kill()
    check_let_go(held, "children", time.monotonic())
    assert not any(gone(psutil.Process(pid)) for pid in one.children)


@pytest.mark.parametrize("what", WAYS)
def test_a_daemon_that_is_stopped(held: HeldGame, daemon: Start, what: str) -> None:
    """Ctrl-Z, a debugger, a machine that swaps: alive, and of no use."""
    one = daemon(what)
    began = time.monotonic()
    os.kill(one.process.pid, signal.SIGSTOP)
    check_let_go(held, f"stopped, {what}", began)
    assert not gone(one.hand)
    os.kill(one.process.pid, signal.SIGCONT)


def test_a_daemon_that_goes_on_presses_again(held: HeldGame, daemon: Start) -> None:
    """A pause of a few seconds must not end a play that could go on."""
    one = daemon("pressed")
    wait_for(held.pressed, "a pressed pad")
    os.kill(one.process.pid, signal.SIGSTOP)
    wait_for(lambda: not held.pressed(), "a neutral pad")
    os.kill(one.process.pid, signal.SIGCONT)
    wait_for(held.pressed, "a pressed pad again")


@pytest.mark.parametrize("what", WAYS)
def test_a_hand_that_is_killed(held: HeldGame, daemon: Start, what: str) -> None:
    """The daemon heals what its hand has left."""
    one = daemon(what)
    began = time.monotonic()
    one.hand.kill()
    check_let_go(held, f"hand killed, {what}", began)
    wait_for(lambda: not list(held.ledger.iterdir()), "an empty ledger")


@pytest.mark.parametrize("what", WAYS)
def test_a_hand_that_is_stopped(held: HeldGame, daemon: Start, what: str) -> None:
    """The game lets go by itself; the daemon then ends the hand and heals."""
    one = daemon(what)
    began = time.monotonic()
    one.hand.suspend()
    check_let_go(held, f"hand stopped, {what}", began)
    wait_for(lambda: gone(one.hand), "the hand to be ended")


def test_a_hand_that_is_told_to_end(held: HeldGame, daemon: Start) -> None:
    """At shutdown the hand may be asked to end first; Ctrl-C is not meant for it."""
    one = daemon("frozen")
    one.hand.send_signal(signal.SIGINT)
    one.hand.send_signal(signal.SIGHUP)
    assert held.game.stands()
    one.hand.terminate()
    check_let_go(held, "hand, SIGTERM", time.monotonic())


def test_a_log_that_nobody_reads(held: HeldGame, daemon: Start) -> None:
    """The hand shares the daemon's stderr, where a line may wait for ever: it ends all the same."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x")
    os.set_blocking(writing, True)
    try:
        one = daemon("frozen", stderr=writing)
        one.process.kill()
        check_let_go(held, "blocked log", time.monotonic())
        wait_for(lambda: gone(one.hand), "the hand to end")
    finally:
        os.close(reading)
        os.close(writing)


def kill_both(one: StandIn) -> None:
    """As a service manager kills a group, or the kernel a whole cgroup."""
    daemon = psutil.Process(one.process.pid)
    for process in (daemon, one.hand):
        process.suspend()
    for process in (daemon, one.hand):
        process.kill()
    one.process.wait()
    wait_for(lambda: gone(one.hand), "both to end")


def test_both_are_killed(held: HeldGame, daemon: Start) -> None:
    """Nobody is left to let the game run but the next command, and the pad expires by itself."""
    kill_both(daemon("frozen"))
    wait_for(lambda: not held.pressed(), "a neutral pad")
    assert held.game.stands()
    done = heal_all()
    held.game.await_ticks()
    assert sorted(done) == sorted(f"process {pid} runs again" for pid in held.game.pids())
    assert not list(held.ledger.iterdir())
    assert heal_all() == []


def test_both_are_killed_and_the_tree_has_lost_its_root(held: HeldGame, daemon: Start) -> None:
    """Children whose parents are gone are found by the ledger, and by nothing else."""
    kill_both(daemon("frozen"))
    root, middle, *rest = held.game.pids()
    for pid in (root, middle):
        os.kill(pid, signal.SIGKILL)
    held.game.process.wait()
    heal_all()
    held.game.await_ticks(*range(2, 2 + len(rest)))


def test_the_tree_loses_its_root_while_it_is_frozen(held: HeldGame, daemon: Start) -> None:
    """The same with a hand that lives."""
    one = daemon("frozen")
    root, middle, *rest = held.game.pids()
    for pid in (root, middle):
        os.kill(pid, signal.SIGKILL)
    held.game.process.wait()
    one.process.kill()
    held.game.await_ticks(*range(2, 2 + len(rest)))
