"""The pictures: drawn from the state alone, quick, and different where the state is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nitropilot.simulator.arcade.core.pad import REST
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.game import ArcadeError, Game
from nitropilot.simulator.arcade.rules import RULES

every_game = pytest.mark.parametrize("name", RULES)


def played(name: str, seed: int, level: int, ticks: int) -> Game:
    """A game that its expert has played for a while."""
    game = Game(name)
    game.reset(seed, level)
    for _ in range(ticks):
        game.step(game.expert())
    return game


@every_game
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_picture_follows_from_the_state(name: str, level: int) -> None:
    """Who draws every frame and who draws the last one only must see the same."""
    watched = Game(name)
    watched.reset(9, level)
    for _ in range(200):
        watched.draw()
        watched.step(watched.expert())
    before = json.dumps(watched.state())
    picture = watched.draw()
    assert json.dumps(watched.state()) == before, "looking changes nothing"
    assert np.array_equal(picture, watched.draw())
    assert np.array_equal(picture, played(name, 9, level, 200).draw())


@every_game
def test_what_is_played_is_seen(name: str) -> None:
    """A picture that stays the same tells a policy nothing."""
    one, later = played(name, 2, 0, 60).draw(), played(name, 2, 0, 100).draw()
    assert (one != later).any(axis=2).mean() > 0.02
    other = played(name, 3, 0, 60).draw()
    assert (one != other).any(axis=2).mean() > 0.2, "each level has looks of its own"


@every_game
def test_sizes(name: str) -> None:
    """Observations are asked for in the policy's own size."""
    game = played(name, 1, 0, 30)
    whole = game.draw()
    assert whole.shape == (256, 256, 3)
    assert whole.dtype == np.uint8
    small = game.draw(128)
    blocks = whole.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() <= 0.5
    assert game.draw(96).shape == (96, 96, 3)
    assert np.array_equal(game.draw(512)[::2, 1::2], whole)
    with pytest.raises(ArcadeError, match="a picture of 5 px"):
        game.draw(5)


@every_game
def test_every_end_can_be_painted(name: str) -> None:
    """The last frames of an episode are the ones that are looked at."""
    game = Game(name)
    game.reset(0, 2)
    while not game.over:
        game.step(game.expert())
    assert game.outcome is Outcome.WON
    assert game.draw().std() > 10
    with pytest.raises(ArcadeError, match="won already"):
        game.step(game.expert())
    game.reset(0, 2)
    game.world.end(Outcome.LOST, 100, 100)
    for _ in range(60):
        game.draw()
        game.world.step(REST)


def test_games_and_levels_that_there_are_not() -> None:
    """One clear line each, with what there is."""
    with pytest.raises(ArcadeError, match="no game 'chess'") as failure:
        Game("chess")
    assert "runner, arena, maze, road, pulse" in failure.value.hint
    game = Game("maze")
    with pytest.raises(ArcadeError, match="no level 3"):
        game.reset(0, 3)
    with pytest.raises(ArcadeError, match="the seed is -1"):
        game.reset(-1, 0)
