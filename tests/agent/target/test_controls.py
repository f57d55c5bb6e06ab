"""``Controls`` with a real pad page, a real process and a real hand."""

from __future__ import annotations

import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the preloaded pad and SIGSTOP are for Linux", allow_module_level=True)

from nitropilot.agent.target.controls import NO_EPOCH, Controls
from nitropilot.agent.target.pressed import Pressed
from nitropilot.controller import Button, GamepadState, Hand, HandError, PadPage
from tests.agent.playing import NEUTRAL_PAGE, PATIENCE_S, gone, neutral, pad_values, stopped, until
from tests.controller.pausing.ticking import TickingGame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PRESS = GamepadState(left=(0.5, 0.5), right_trigger=1.0, buttons=Button.A)
PERIOD_S = 0.02


class Held:
    """Controls of a game that only counts, and what they hold."""

    def __init__(self, folder: Path) -> None:
        self.game = TickingGame(folder)
        self.page = PadPage.create()
        self.controls = Controls(Hand.start(self.game.pid, page=self.page.path))

    def close(self) -> None:
        """Let go, and end the game."""
        self.controls.close()
        self.page.close()
        self.page.unlink()
        self.game.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """Controls over a real process."""
    held = Held(tmp_path)
    yield held
    held.close()


def test_nothing_passes_before_arming(held: Held) -> None:
    """A game that was only opened must not be touched."""
    for epoch in (NO_EPOCH, 1, -1):
        assert held.controls.send(PRESS, epoch) is False
        assert held.controls.freeze(epoch) is False
    assert neutral(held.page.path)
    assert not stopped(held.game.pid)


def test_only_the_newest_epoch_counts(held: Held) -> None:
    """Whoever held an older one may be in the middle of something that is over."""
    old, new = held.controls.arm(), held.controls.arm()
    assert held.controls.send(PRESS, old) is False
    assert held.controls.freeze(old) is False
    assert held.controls.freeze(new) is True
    assert stopped(held.game.pid)
    assert held.controls.send(PRESS, new) is True
    assert pad_values(held.page.path) != NEUTRAL_PAGE


def test_disarm_lets_go_of_both(held: Held) -> None:
    """Neutral pad and running game, before the call returns."""
    released: list[bool] = []
    held.controls.on_release = lambda: released.append(True)
    epoch = held.controls.arm()
    held.controls.send(PRESS, epoch)
    held.controls.freeze(epoch)
    held.controls.disarm()
    assert neutral(held.page.path)
    assert not stopped(held.game.pid)
    assert held.controls.epoch == NO_EPOCH
    assert released == [True]
    assert held.controls.send(PRESS, epoch) is False
    assert held.controls.freeze(epoch) is False
    held.game.await_ticks()


def test_a_chunk_is_played_to_its_end(held: Held) -> None:
    """The game runs again with the first state pressed, and all of them are told."""
    epoch = held.controls.arm()
    held.controls.freeze(epoch)
    began = time.perf_counter()
    told = list(held.controls.play([PRESS] * 5, PERIOD_S, epoch))
    assert time.perf_counter() - began >= 5 * PERIOD_S
    assert told
    numbers = [number for number, _ in told]
    assert numbers == sorted(set(numbers)), "each once, in order"
    assert all(one.at >= one.due > began for _, one in told)
    assert not stopped(held.game.pid)


def test_a_chunk_ends_when_the_controls_are_let_go(held: Held) -> None:
    """From another thread, as a player does it."""
    epoch = held.controls.arm()
    played = []
    ended = threading.Event()

    def play() -> None:
        played.extend(held.controls.play([PRESS] * 1000, PERIOD_S, epoch))
        ended.set()

    threading.Thread(target=play, daemon=True).start()
    until(lambda: not neutral(held.page.path), "it plays")
    held.controls.disarm()
    assert neutral(held.page.path)
    until(ended.is_set, "the loop has noticed")
    assert neutral(held.page.path)


def test_a_long_chunk_goes_on_as_long_as_its_loop_wants_it(held: Held) -> None:
    """At 10 Hz a chunk is longer than the lease of a plan."""
    epoch = held.controls.arm()
    told = list(held.controls.play([PRESS] * 6, 0.1, epoch))
    assert [number for number, _ in told][-1] == 5


def test_closed_is_for_good(held: Held) -> None:
    """A stop that comes late meets a closed pad: it must not fail, and nothing must open it."""
    epoch = held.controls.arm()
    pid = held.controls.hand.pid
    held.controls.close()
    held.controls.disarm()
    held.controls.close()
    assert gone(pid)
    with pytest.raises(HandError):
        held.controls.arm()
    assert held.controls.send(PRESS, epoch) is False
    assert held.controls.freeze(epoch) is False
    assert neutral(held.page.path)


def test_what_is_told_too_late_is_not_kept(held: Held) -> None:
    """A play of hours may have many of them."""
    epoch = held.controls.arm()
    held.controls.begin_stretch()
    start = time.perf_counter() + PERIOD_S
    steps = [(number, start + number * PERIOD_S, number, PRESS) for number in range(6)]
    held.controls.plan(steps, PERIOD_S, epoch)
    last: Pressed[int] | None = held.controls.pressed(5, start + 60.0, epoch)
    assert last is not None and last.tag == 5
    assert held.controls.pressed(6, 0.0, epoch) is None
    assert not held.controls._early


def test_figures_outlast_a_hand(held: Held) -> None:
    """A launcher's game has another hand than its launcher had."""
    hand = held.controls.hand
    hand.lapses, hand.cut_freezes = 2, 1
    held.controls.follow(partial(take, held))
    assert held.controls.hand is not hand
    held.controls.hand.lapses += 1
    assert (held.controls.lapses, held.controls.cut_freezes) == (3, 1)


def take(held: Held) -> Hand:
    """Another hand on the game."""
    return Hand.start(held.game.pid, page=held.page.path)


def let_go(held: Held) -> None:
    """Disarm: nothing is to be pressed then."""
    held.controls.disarm()
    assert held.controls.pass_on(PRESS) is False


def rearm(held: Held) -> None:
    """Pause, and play on."""
    held.controls.disarm()
    held.controls.check()
    held.controls.arm()


@pytest.mark.parametrize("act", [let_go, rearm])
def test_nobody_waits_while_another_process_is_taken(
    held: Held, act: Callable[[Held], None]
) -> None:
    """A hand may take long to start on a busy machine; a panic meanwhile is answered."""
    old = held.controls.arm()
    done = threading.Event()

    def late() -> Hand:
        worker = threading.Thread(target=lambda: (act(held), done.set()), daemon=True)
        worker.start()
        assert done.wait(PATIENCE_S), "who lets go waits for the new hand"
        return take(held)

    held.controls.follow(late)
    epoch = held.controls.epoch
    assert (epoch == NO_EPOCH) == (act is let_go)
    assert held.controls.send(PRESS, old) is False
    assert held.controls.send(PRESS, epoch, seconds=60.0) is (act is rearm)
    assert neutral(held.page.path) == (act is let_go)
