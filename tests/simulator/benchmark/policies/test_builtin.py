"""Idle, random, and the game's script."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.simulator.benchmark.policies.builtin import BUILT_IN, Random
from nitropilot.simulator.benchmark.policies.errors import EntryError
from nitropilot.simulator.benchmark.policies.info import own_seed
from nitropilot.simulator.benchmark.policies.player import Look
from nitropilot.simulator.benchmark.runner.mind import NearMind
from nitropilot.simulator.benchmark.runner.stage import Stage
from nitropilot.simulator.benchmark.runner.tracks import play
from nitropilot.simulator.environments.arcade_env import ArcadeEnv

LOOK = Look(np.zeros((16, 16, 3), np.uint8), {}, 0)


def test_random_play_is_what_the_page_says() -> None:
    """Held for 8 ticks, a tenth of the buttons, sticks everywhere alike."""
    player = Random()
    player.begin({"seed": 1})
    chunks = [player.decide(LOOK) for _ in range(2000)]
    assert all(chunk.shape == (8, 20) and (chunk == chunk[0]).all() for chunk in chunks)
    drawn = np.array([chunk[0] for chunk in chunks])
    assert set(np.unique(drawn[:, :16])) == {0.0, 1.0}
    assert np.allclose(drawn[:, :16].mean(0), 0.1, atol=0.03)
    assert np.allclose(drawn[:, 16:].mean(0), 0.0, atol=0.06)
    assert np.allclose(drawn[:, 16:].std(0), 1 / np.sqrt(3), atol=0.04)


def test_random_play_follows_its_seed() -> None:
    """Two episodes of one seed are the same, of two seeds are not."""
    drawn = []
    for seed in (5, 5, 6):
        player = Random()
        player.begin({"seed": seed})
        drawn.append(np.concatenate([player.decide(LOOK) for _ in range(10)]))
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_the_games_seed_is_not_in_the_policys() -> None:
    """A policy that knew the level by its number would play from memory."""
    seeds = {own_seed("arcade/runner/runner-1", seed) for seed in range(1000)}
    assert len(seeds) == 1000
    assert not seeds & set(range(1000))
    assert own_seed("arcade/runner/runner-1", 1) != own_seed("arcade/maze/maze-1", 1)


@pytest.mark.parametrize(("name", "end", "progress"), [("expert", "won", 1.0), ("idle", "lost", 0)])
def test_who_wins(name: str, end: str, progress: float) -> None:
    """A script that does not see the game it plays wins nothing."""
    env = ArcadeEnv("pulse-1", 64)
    stage = Stage(env, 3, {"seed": 0})
    play(stage, NearMind(BUILT_IN[name](env)), "paused")
    assert (stage.end, stage.progress) == (end, progress)


def test_a_game_without_a_script() -> None:
    """Most games have none; that is said, and nobody else plays in its name."""
    with pytest.raises(EntryError, match="no expert"):
        BUILT_IN["expert"](object())  # type: ignore[arg-type]
