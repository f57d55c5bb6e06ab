"""Who plays a game that the policy has never seen is told so, and nobody else is."""

from __future__ import annotations

import pytest

from nitropilot.agent import PlaySettings
from nitropilot.agent.session.familiar import MOST_NAMED, sentence
from nitropilot.engines.base import PolicySpec


def spec(
    trained_on: tuple[str, ...] | None, actions: int | None = None, horizon: int = 16
) -> PolicySpec:
    """Of a policy that was trained on these."""
    return PolicySpec(
        "small", "f" * 64, False, 64, 1, horizon, 25, 4, actions=actions, trained_on=trained_on
    )


@pytest.mark.parametrize(
    ("trained_on", "names", "title"),
    [
        (None, ["supertux", "supertux2"], "SuperTux v0.6.3"),
        (("runner", "road"), ["runner", "python3"], "NitroPilot Runner"),
        (("supertux2",), ["supertux", "supertux2"], "SuperTux v0.6.3"),
        (("SuperTux",), ["supertux", "supertux2"], ""),
        (("arena", "road"), ["python3"], "NitroPilot Road"),
    ],
    ids=["nobody knows", "launched", "executable", "case", "title"],
)
def test_nothing_is_said_of_a_game_that_it_knows(
    trained_on: tuple[str, ...] | None, names: list[str], title: str
) -> None:
    """A warning that is wrong is not believed the next time."""
    assert sentence(spec(trained_on), names, title) == ""


def test_a_game_that_it_does_not_know_is_said_in_one_sentence() -> None:
    """What it was trained on, and what to do: otherwise it just plays badly."""
    said = sentence(spec(("runner", "arena", "road")), ["supertux", "supertux2"], "SuperTux")
    assert said.startswith("small was not trained on supertux but on runner, arena and road: ")
    assert "nitropilot finetune" in said and "--policy" in said
    assert "\n" not in said and ". " not in said
    assert "on runner: do" in sentence(spec(("runner",)), ["maze"], "")
    assert "on no game at all: do" in sentence(spec(()), ["maze"], "")
    many = tuple(f"game {number}" for number in range(MOST_NAMED + 1))
    assert f"on {len(many)} others: do" in sentence(spec(many), [], "Railroads")
    assert "trained on this game but" in sentence(spec(many), [], "Railroads")


def test_as_many_actions_are_played_as_the_policy_says() -> None:
    """It was measured with so many; a player who says otherwise wins."""
    assert PlaySettings().of(spec(None)).played(spec(None)) == 16
    told = spec(None, actions=8)
    assert PlaySettings().of(told).actions_per_chunk == 8
    assert PlaySettings().of(told).played(told) == 8
    assert PlaySettings(actions_per_chunk=3).of(told).played(told) == 3
