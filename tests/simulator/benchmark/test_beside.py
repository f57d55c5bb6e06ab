"""Levels played in this process are those that the runner plays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nitropilot.simulator.benchmark.beside import play_levels
from nitropilot.simulator.benchmark.policies.builtin import Idle
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import PolicyFailed
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.policies.player import Player
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.benchmark.runner.wishes import Wish
from nitropilot.simulator.environments.actions import WIDTH, action_of
from nitropilot.simulator.environments.arcade_env import ArcadeEnv

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.player import Look

TASK = "maze-1"


class Remembered(Player):
    """Plays what an expert pressed on some levels, by the number of the tick."""

    card = Card("remembered", "callable")

    def __init__(self, pads: list[list[Actions]]) -> None:
        self._pads, self._level = pads, -1
        self.asked: list[int] = []

    def begin(self, info: dict[str, Any]) -> None:
        """The next level."""
        self._level += 1

    def decide(self, look: Look) -> Actions:
        """Sixteen at once; rest after the end."""
        self.asked.append(look.tick)
        mine = self._pads[self._level][look.tick : look.tick + 16]
        return np.array([*mine, *[np.zeros(WIDTH)] * (16 - len(mine))], np.float32)


def expert_pads(seed: int) -> list[Actions]:
    """What the game's script presses."""
    env, pads, over = ArcadeEnv(TASK), [], False
    env.reset(seed=seed)
    while not over:
        pads.append(action_of(env.expert()))
        _, _, terminated, truncated, _ = env.step(pads[-1])
        over = terminated or truncated
    return pads


def test_seed_for_seed_and_tick_for_tick() -> None:
    """Every level is won that its own pads win, in as many steps, asked again after 8."""
    pads = [expert_pads(seed) for seed in (3, 4)]
    player = Remembered(pads)
    levels = play_levels(player, task_named("arcade", TASK), (3, 4), chunk=8)
    assert [(one.seed, one.won, one.progress) for one in levels] == [(3, True, 1), (4, True, 1)]
    assert [one.steps for one in levels] == [len(its) for its in pads]
    assert player.asked == [tick for its in pads for tick in range(0, len(its), 8)]


def test_as_many_actions_are_played_as_the_policy_says() -> None:
    """Who is to be asked again after 4 plays 4, here and in a run, and a result says so."""
    pads = expert_pads(3)[:40]
    player = Remembered([pads])
    player.card = Card("remembered", "callable", actions=4, steps=2, games=("road",))
    task = task_named("arcade", TASK)
    play_levels(player, task, (3,))
    assert player.asked[:4] == [0, 4, 8, 12]
    asked = Wish((task,), (parse_entry("random:tiny"),), (3,))
    (policy,) = asked.run({"random:tiny": player.card}).policies
    assert (policy.timing.chunk, policy.training_games) == (4, ("road",))
    assert policy.options == {"steps": 2}
    assert asked.played(player.card) == 4
    assert replace(asked, chunk=9).played(player.card) == 9
    assert asked.played(Card("other", "callable")) is None


def test_nobody_at_the_pad() -> None:
    """It comes nowhere, and its levels end all the same."""
    (level,) = play_levels(Idle(), task_named("arcade", TASK), (3,))
    assert not level.won
    assert level.steps == 40 * 60


def test_a_player_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails here, and the game is closed."""
    closed = []
    close = ArcadeEnv.close
    monkeypatch.setattr(ArcadeEnv, "close", lambda self: (closed.append(1), close(self)))

    class Broken(Idle):
        def decide(self, look: Look) -> Actions:
            raise PolicyFailed("policy crashed", "no")

    with pytest.raises(PolicyFailed):
        play_levels(Broken(), task_named("arcade", TASK), (3,))
    assert closed
