"""What is shipped plays: not by chance, and not like somebody who does not look."""

from __future__ import annotations

from nitropilot.pocket.measuring import baseline, measure
from nitropilot.pocket.recipe import Recipe
from nitropilot.policy.files.checkpoint import load_policy
from nitropilot.policy.naming import POCKET, SHIPPED
from nitropilot.policy.shipped.card import read_card
from nitropilot.simulator.benchmark.statistics.intervals import sign_test

TASK = "road-1"
LEVELS = range(8)
"""The benchmark's first, which nobody was taught."""


def test_it_beats_chance_on_a_game_that_it_knows() -> None:
    """More levels won than by random play, with 95 % confidence: one wins them, the other none."""
    policy, card = load_policy(POCKET), read_card(SHIPPED[POCKET])
    assert card.actions is not None
    seen = measure(policy, TASK, LEVELS, card.actions, card.steps)
    chance = baseline("random", TASK, LEVELS)
    assert chance.won == 0
    assert sign_test(seen.won, chance.won) / 2 < 0.05
    assert seen.progress > chance.progress + 0.3


def test_it_is_played_as_the_recipe_says() -> None:
    """The card, the file and the recipe name the same actions and steps."""
    card = read_card(SHIPPED[POCKET])
    assert (card.actions, card.steps) == (Recipe.played, Recipe.euler)
