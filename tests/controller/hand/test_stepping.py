"""A game that goes on by so much time at once as it is asked to, through its hand."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import STEP_S, ClockPage
from nitropilot.controller.errors import (
    ClockFailed,
    ClockLapsed,
    ControllerError,
    ProcessGone,
    StepHangs,
)
from nitropilot.controller.hand.protocol import EXPIRY_S
from nitropilot.controller.hand.step_hand import StepHand
from nitropilot.controller.state import NEUTRAL
from tests.controller.hand.asker import LONG_S, PUSH
from tests.controller.pausing.ticking import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.controller.hand.conftest import Asker, Frames, HeldGame

THINK_S = 4 * EXPIRY_S
LEASE_S = 1.0
TRIES = 20


def hold(game: Frames, lease: float = LONG_S) -> StepHand:
    """A hand in its first epoch."""
    hand = StepHand.start(
        game.pid, page=game.page.path, clock=game.clock.path, freeze_lease=lease, stays=True
    )
    hand.arm(1)
    return hand


@pytest.fixture
def frames(start_frames: Callable[..., Frames]) -> Frames:
    """A game in lockstep."""
    return start_frames()


@pytest.fixture
def hand(frames: Frames) -> Iterator[StepHand]:
    """One that lets it stand at its gate."""
    one = hold(frames)
    assert one.stand(1)
    assert frames.hear() == (0, False)
    yield one
    one.close()


def test_a_step_is_one_frame_with_its_pad(frames: Frames, hand: StepHand) -> None:
    """However long the caller thinks, nothing goes on, and what it pressed stays pressed."""
    for frame in range(1, 20):
        assert hand.step(1, PUSH if frame % 3 == 0 else NEUTRAL)
        assert frames.hear() == (frame, frame % 3 == 0)
        if frame == 12:
            time.sleep(THINK_S)
            assert frames.pressed(), "it expires while the game stands"
    assert hand.step(1, PUSH, 3)
    assert [frames.hear() for _ in range(3)] == [(20, True), (21, True), (22, True)]
    assert frames.talker.silent(0.1), "it goes on without being asked to"
    assert hand.lapses == 0


def test_only_the_current_epoch_steps(frames: Frames, hand: StepHand) -> None:
    """After a release the game is its player's, and runs."""
    assert not hand.step(2, PUSH)
    hand.release()
    first = frames.hear()
    assert not hand.step(1, PUSH)
    assert not hand.stand(1)
    assert frames.hear() == (first[0] + 1, False)
    hand.arm(2)
    assert hand.stand(2)
    before = frames.clock.status().pictures
    assert hand.step(2, PUSH, 2)
    assert frames.clock.status().pictures == before + 2


def test_a_step_that_hangs(start_frames: Callable[..., Frames]) -> None:
    """Whoever waits is told which thread hangs; letting go does not wait for it."""
    game = start_frames("hang")
    hand = hold(game)
    try:
        hand.stand(1)
        hand.step(1, NEUTRAL, 10)
        with pytest.raises(StepHangs, match=r"main thread \d+ \(frames\S*\) runs"):
            hand.step(1, PUSH, timeout=0.3)
        found: list[ControllerError] = []

        def step() -> None:
            try:
                hand.step(1, PUSH, timeout=LONG_S)
            except ControllerError as error:
                found.append(error)

        waiting = threading.Thread(target=step)
        waiting.start()
        wait_for(game.pressed, "the step's state")
        hand.release()
        waiting.join()
        assert isinstance(found[0], ClockLapsed)
        assert "let go in the middle" in str(found[0])
        assert not game.pressed()
        hand.check()
        game.talker.process.kill()
        game.talker.process.wait()
        hand.arm(2)
        with pytest.raises(ProcessGone):
            hand.stand(2)
    finally:
        hand.close()


def test_another_hand_goes_on_where_one_has_died(frames: Frames, hand: StepHand) -> None:
    """The game stands whoever holds it: nothing is lost, and no frame was anybody's."""
    hand.step(1, PUSH)
    os.kill(hand.pid, signal.SIGKILL)
    wait_for(lambda: not hand._link.alive, "its end")
    other = hold(frames)
    try:
        assert other.stand(1)
        assert other.step(1, NEUTRAL)
        assert [frames.hear() for _ in range(2)] == [(1, True), (2, False)]
        assert frames.clock.status().lapses == 0
    finally:
        other.close()


def goes_on(game: Frames, steps: int = 1) -> None:
    """After those steps it shows pictures by itself, and soon with nothing pressed."""
    wait_for(lambda: not game.pressed(), "a neutral pad")
    frame, on = game.hear()
    while frame <= steps or on:
        frame, on = game.hear()
    assert not game.hear()[1]


def test_a_killed_asker_leaves_nothing_standing(
    frames: Frames, asker: Callable[..., Asker]
) -> None:
    """Its pipe says so at once, whatever the lease."""
    one = asker(frames.pid, frames.page.path, frames.clock.path, "step", LONG_S)
    assert [one.ask() for _ in range(3)] == ["True"] * 3
    assert [frames.hear() for _ in range(4)] == [(0, False), (1, True), (2, True), (3, True)]
    one.process.kill()
    goes_on(frames, 3)


def test_a_silent_asker_leaves_nothing_standing(
    frames: Frames, asker: Callable[..., Asker]
) -> None:
    """A process that is stopped in a debugger may never come back; if it does, it is told."""
    one = asker(frames.pid, frames.page.path, frames.clock.path, "step", LEASE_S)
    one.ask()
    os.kill(one.process.pid, signal.SIGSTOP)
    goes_on(frames)
    os.kill(one.process.pid, signal.SIGCONT)
    assert one.ask() == ClockLapsed.code


def test_both_are_killed(frames: Frames, asker: Callable[..., Asker]) -> None:
    """Nobody is left to say anything: lease and expiry are the game's own."""
    one = asker(frames.pid, frames.page.path, frames.clock.path, "step", LEASE_S)
    one.ask()
    for process in (one.process, one.hand):
        os.kill(process.pid, signal.SIGSTOP)
    for process in (one.process, one.hand):
        os.kill(process.pid, signal.SIGKILL)
    goes_on(frames)


@pytest.fixture
def clock() -> Iterator[ClockPage]:
    """Of a game that runs freely."""
    made = ClockPage.create()
    yield made
    made.close()
    made.unlink()


def test_a_run_ends_where_it_was_to(held: HeldGame, clock: ClockPage) -> None:
    """Frozen at the moment that was named or just after it, with what was pressed still pressed."""
    hand = StepHand.start(held.pid, page=held.page.path, clock=clock.path, stays=True)
    try:
        hand.arm(1)
        assert not hand.run(2, PUSH, 1.0, LONG_S), "another epoch"
        assert not hand.run(1, PUSH, 0.0, LONG_S), "it did not stand before"
        for _ in range(TRIES):  # a busy machine may hold up the hand
            ticks, until = held.game.counts()[0], clock.virtual_time() + 3 * STEP_S
            kept = hand.run(1, PUSH, until, LONG_S)
            assert held.game.stands()
            assert held.game.counts()[0] > ticks
            assert clock.virtual_time() >= until
            if kept:
                break
        else:
            pytest.fail("it was let go each time")
        stood = clock.virtual_time()
        time.sleep(THINK_S)
        assert held.pressed(), "it expires while the game stands"
        assert clock.virtual_time() == stood
        hand.thaw()
        assert not hand.run(1, PUSH, clock.virtual_time() + STEP_S, LONG_S), "nor now"
        assert not hand.run(1, PUSH, clock.virtual_time() + 10 * STEP_S, STEP_S), "let go within"
        assert not held.pressed()
    finally:
        hand.close()
    held.game.await_ticks()


def test_a_freeze_lasts_while_its_asker_beats(held: HeldGame, clock: ClockPage) -> None:
    """Who thinks for an hour plays the same game."""
    hand = StepHand.start(
        held.pid, page=held.page.path, clock=clock.path, freeze_lease=LEASE_S,
        freeze_limit=LEASE_S, stays=True,
    )  # fmt: skip
    try:
        hand.arm(1)
        hand.freeze(1)
        time.sleep(2 * LEASE_S)
        assert held.game.stands()
        hand.check()
    finally:
        hand.close()


@pytest.mark.parametrize("way", ["silent", "killed"])
def test_no_freeze_outlives_its_asker(
    way: str, held: HeldGame, clock: ClockPage, asker: Callable[..., Asker]
) -> None:
    """Nothing pressed, and the game runs; who comes back is told that it did."""
    lease = LEASE_S if way == "silent" else LONG_S
    one = asker(held.pid, held.page.path, clock.path, "run", lease)
    one.ask()
    assert held.game.stands()
    one.process.send_signal(signal.SIGSTOP if way == "silent" else signal.SIGKILL)
    wait_for(lambda: not held.pressed(), "a neutral pad")
    held.game.await_ticks()
    if way == "silent":
        one.process.send_signal(signal.SIGCONT)
        assert one.ask() == "False"


def test_a_game_without_a_clock_has_no_steps(held: HeldGame) -> None:
    """It is said; what is held stays held."""
    hand = StepHand.start(held.pid, page=held.page.path)
    try:
        hand.arm(1)
        for ask in (
            lambda: hand.stand(1),
            lambda: hand.step(1, PUSH),
            lambda: hand.run(1, PUSH, 1.0, 1.0),
        ):
            with pytest.raises(ClockFailed):
                ask()
        hand.check()
    finally:
        hand.close()
