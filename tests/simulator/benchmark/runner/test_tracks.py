"""When an answer's actions are played: held against the timeline, tick by tick."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import EntryError, PolicyFailed
from nitropilot.simulator.benchmark.runner.mind import Mind
from nitropilot.simulator.benchmark.runner.stage import GameFailed, Stage
from nitropilot.simulator.benchmark.runner.tracks import play
from nitropilot.simulator.environments.arcade_env import ArcadeEnv
from nitropilot.simulator.environments.holding import lapsed
from nitropilot.simulator.environments.task_env import TaskEnv

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.player import Look
    from nitropilot.simulator.environments.task_env import Standing

LENGTH = 8
STICK = 16
"""The channel in which each action says which tick it is for."""
SCALE = 1000.0


class Labels(Mind):
    """Answers with actions that say which tick they are for and which picture they are from.

    Args:
        late: How many ticks an answer takes; only real time notices.
    """

    def __init__(self, shift: int = 1, hz: float = 60, late: int = 0) -> None:
        super().__init__(Card("labels", "callable", shift=shift, hz=hz))
        self._late = late
        self._left = 0
        self.looks: list[Look] = []

    def begin(self, info: dict[str, Any]) -> None:
        """Nothing to do."""

    def ask(self, look: Look) -> None:
        """Note what was shown."""
        self.looks.append(look)
        self._left = self._late

    def answer(self, until: float | None = None) -> Actions | None:
        """Each call is a tick."""
        if until is not None and self._left:
            self._left -= 1
            return None
        actions = np.zeros((LENGTH, 20), np.float32)
        first = self.looks[-1].tick + self.card.shift
        actions[:, STICK] = (first + np.arange(LENGTH)) / SCALE
        actions[:, STICK + 1] = len(self.looks) / SCALE
        return actions


class Short(ArcadeEnv):
    """Idle maze, cut off early."""

    def __init__(self, steps: int = 100) -> None:
        super().__init__("maze-1", 32)
        self._limit = steps


class Broken(Short):
    """A game that fails at a step."""

    def __init__(self, at: int, error: Exception) -> None:
        super().__init__()
        self._at, self._error = at, error

    def _begin(self, seed: int) -> Standing:
        if self._at == 0:
            raise self._error
        return super()._begin(seed)

    def _play(self, state: Any) -> Standing:
        if self._steps + 1 == self._at:
            raise self._error
        return super()._play(state)


def played(mind: Labels, track: str, chunk: int | None = None, steps: int = 100) -> Any:
    """Ticks that the played actions say they are for, and the number of the answer; 0 for rest."""
    stage = Stage(Short(steps), 1, {})
    misses = play(stage, mind, track, chunk)
    assert stage.steps == steps
    ticks = np.rint(stage.trace[:, STICK] * SCALE).astype(int)
    answers = np.rint(stage.trace[:, STICK + 1] * SCALE).astype(int)
    return ticks, answers, misses


@pytest.mark.parametrize("shift", [1, 2, 3, 5])
@pytest.mark.parametrize("chunk", [None, 4, 1])
def test_every_action_is_played_in_its_tick(shift: int, chunk: int | None) -> None:
    """An action that is played a tick early or late was made for another moment."""
    mind = Labels(shift)
    ticks, answers, _ = played(mind, "paused", chunk)
    lead = shift - 1
    assert ticks[:lead].tolist() == [0] * lead
    assert ticks[lead:].tolist() == list(range(shift, 101))
    assert answers[lead] == 1
    assert [look.tick for look in mind.looks[:3]] == [0, chunk or LENGTH, 2 * (chunk or LENGTH)]
    assert mind.looks[1].info["step"] == (chunk or LENGTH)


def test_what_is_over_is_not_played() -> None:
    """A policy of shift 0 begins with the action of the tick that it sees the end of."""
    ticks, answers, _ = played(Labels(0), "paused")
    assert ticks.tolist() == list(range(1, 101))
    assert answers[: LENGTH - 1].tolist() == [1] * (LENGTH - 1)
    assert answers[LENGTH - 1] == 2


def test_nothing_that_could_be_played() -> None:
    """All of it is over: nobody may play such an answer for ever."""
    with pytest.raises(PolicyFailed, match="8 ticks before the picture"):
        played(Labels(-8), "paused")


def test_half_the_rate_holds_every_action_twice() -> None:
    """A policy of 30 actions a second would play twice as fast."""
    ticks, _, _ = played(Labels(hz=30), "paused")
    assert ticks.tolist() == [1 + step // 2 for step in range(100)]


def test_a_rate_that_no_step_fits() -> None:
    """45 actions a second are no whole number of steps each."""
    with pytest.raises(EntryError, match="45 times a second"):
        Card("odd", "checkpoint", hz=45)


def test_lockstep_in_process_is_paused() -> None:
    """The arcade stands still between two steps in either."""
    assert np.array_equal(played(Labels(), "lockstep")[0], played(Labels(), "paused")[0])


@pytest.mark.parametrize(
    ("late", "rests", "answers", "dropped"),
    [
        (0, [1, 2], 50, 0),
        (1, [1, 2], 50, 0),
        (2, [1, 2], 33, 0),
        (5, [1, 2, 3, 4, 5, *range(11, 101, 6)], 16, 3 * 16),
    ],
)
def test_in_real_time_what_is_late_is_dropped(
    late: int, rests: list[int], answers: int, dropped: int
) -> None:
    """An action that is played after its tick drags the whole play behind."""
    ticks, _, misses = played(mind := Labels(shift=3, late=late), "realtime")
    assert (np.flatnonzero(ticks == 0) + 1).tolist() == rests
    assert all(tick in (0, step + 1) for step, tick in enumerate(ticks.tolist()))
    assert len(mind.looks) in (answers, answers + 1)
    assert (misses.ticks, misses.dropped) == (len(rests), dropped)
    assert misses.deadlines == (answers if dropped else 0)


class Hurried(Short):
    """A game that does not wait: every tenth step of its is over with two more."""

    def _play(self, state: Any) -> Standing:
        standing = super()._play(state)
        return replace(standing, steps=3 if self._steps % 10 == 8 else 1)


def test_a_game_that_does_not_wait_is_not_played_late() -> None:
    """What is planned for a step that was missed is dropped, and the pad of before stayed."""
    stage = Stage(Hurried(99), 1, {})
    misses = play(stage, Labels(shift=1), "realtime")
    assert stage.steps == len(stage.trace) == 99, "no further than its limit"
    ticks = np.rint(stage.trace[:, STICK] * SCALE).astype(int)
    assert 5 < misses.dropped <= 20
    kept = [row for row in range(99) if row == 0 or ticks[row] != ticks[row - 1]]
    missed = 99 - len(kept)
    assert 10 <= missed <= 20
    assert all(ticks[row] <= row + 1 for row in range(99)), "nothing is played before its tick"


def test_a_policy_that_never_answers_in_time() -> None:
    """The game goes on without it; every tick is a rest."""
    ticks, _, misses = played(Labels(late=LENGTH), "realtime")
    assert not ticks.any()
    assert (misses.ticks, misses.deadlines) == (100, 100 // (LENGTH + 1))


@pytest.mark.parametrize(
    ("at", "how", "why"),
    [
        (0, "game not started", RuntimeError("no such level")),
        (20, "game crashed", RuntimeError("the game is gone")),
        (20, "lapsed", lapsed()),
    ],
    ids=["not started", "crashed", "lapsed"],
)
def test_a_games_failure_is_the_games(at: int, how: str, why: Exception) -> None:
    """What the game did is not to be held against who plays it, nor against it a busy machine."""
    env: TaskEnv = Broken(at, why)
    with pytest.raises(GameFailed, match=re.escape(str(why))) as error:
        play(Stage(env, 1, {}), Labels(), "paused")
    assert error.value.how == how
