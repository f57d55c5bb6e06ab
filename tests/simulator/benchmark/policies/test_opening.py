"""From an entry to a player: what it was asked to run with is what it says it runs with."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nitropilot.policy.steps_rows import StepsRow
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.policies.opening import Means, open_player
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.benchmark.runner.wishes import Wish
from tests.policy.checkpoints import MICRO, changed, micro_weights, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.policy.euler import Steps


@pytest.fixture
def told(tmp_path: Path) -> str:
    """A checkpoint of two steps: five were measured to play best, with one action of a chunk."""
    best = StepsRow(steps=5, actions=1, success=0.9, progress=0.9, levels=10).model_dump()
    config = changed(MICRO, "nitropilot", {"steps": 2, "actions": 2, "steps_table": [best]})
    return str(write_safetensors(tmp_path / "told.safetensors", micro_weights(), config))


@pytest.mark.parametrize(
    ("steps", "actions", "taken"), [(None, None, 2), (3, None, 3), ("auto", 1, 5), ("auto", 2, 2)]
)
def test_the_steps_are_part_of_what_a_run_is(
    told: str, steps: Steps | None, actions: int | None, taken: int
) -> None:
    """Else a result with other steps would be gone on with as the same."""
    means = Means("torch", "cpu", steps=steps, actions=actions)
    entry = parse_entry(told)
    with closing(open_player(entry, means)) as player:
        assert player.card.steps == taken
        wish = Wish((task_named("arcade", "maze-1"),), (entry,), (0,), chunk=actions, means=means)
        (policy,) = wish.run({entry.name: player.card}).policies
    assert policy.options == {"steps": taken}
