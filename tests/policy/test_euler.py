"""Euler steps as a user names them, and where what was measured of them is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nitropilot.policy import CheckpointError, PolicyError, open_policy
from nitropilot.policy.euler import MOST, parse_steps
from nitropilot.policy.files.steps_table import steps_table
from nitropilot.policy.shipped.card import (
    Recipe,
    card_beside,
    read_card,
    write_card,
    write_steps_table,
)
from nitropilot.policy.steps_rows import StepsRow
from tests.policy.checkpoints import MICRO, changed, micro_weights, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(command="make pocket", seed=3, minutes=61.5)
ROWS = (
    StepsRow(steps=1, actions=2, success=0.25, progress=0.5, levels=8),
    StepsRow(steps=2, actions=2, success=0.5, progress=0.75, levels=8),
)


def policy_file(folder: Path, **own: object) -> Path:
    """A micro checkpoint that says so much of itself."""
    config = changed(MICRO, "nitropilot", {"steps": 2, "actions": 2, **own})
    return write_safetensors(folder / "small.safetensors", micro_weights(), config)


@pytest.mark.parametrize(("text", "steps"), [("1", 1), (str(MOST), MOST), ("auto", "auto")])
def test_what_may_be_asked_for(text: str, steps: object) -> None:
    """A number, or auto."""
    assert parse_steps(text) == steps


@pytest.mark.parametrize(
    "text", ["0", str(MOST + 1), "-1", "two", "", "4.0", "Auto", "9" * 30, "²"]
)
def test_what_no_sampler_takes_is_said(text: str) -> None:
    """One line with the value and what is taken: anything else would be found out in the graph."""
    with pytest.raises(PolicyError, match="steps is") as caught:
        parse_steps(text)
    assert f"use 1 to {MOST}, or auto" in caught.value.hint
    assert "\n" not in caught.value.line()


def test_a_policy_takes_the_steps_that_it_is_told() -> None:
    """It would play as before, and say otherwise."""
    own, told = open_policy("random:tiny"), open_policy("random:tiny", steps=3)
    assert (own.steps, told.steps) == (16, 3)
    assert own.fingerprint == told.fingerprint
    with pytest.raises(PolicyError, match="steps is 0"):
        open_policy("random:tiny", steps=0)


def test_a_table_lies_in_the_card(tmp_path: Path) -> None:
    """What was measured of a file goes with it, and what the card said before stays."""
    file = policy_file(tmp_path)
    assert steps_table(str(file)) == ()
    before = write_card(file, held_out="maze", recipe=RECIPE)
    card = write_steps_table(file, ROWS)
    assert card == read_card(file) == before.model_copy(update={"steps_table": ROWS})
    assert steps_table(str(file)) == ROWS


def test_a_card_of_another_file_tells_nothing(tmp_path: Path) -> None:
    """Figures of other weights would choose for these; a table of them is not written either."""
    file = policy_file(tmp_path)
    write_card(file, held_out=None, recipe=RECIPE, steps_table=ROWS)
    policy_file(tmp_path, actions=1)
    assert steps_table(str(file)) == ()
    with pytest.raises(CheckpointError, match="is not the file that"):
        write_steps_table(file, ROWS)


def test_a_table_lies_in_the_checkpoint(tmp_path: Path) -> None:
    """Where there is no card, as for a policy of the user's own."""
    rows = [row.model_dump() for row in ROWS]
    assert steps_table(str(policy_file(tmp_path, steps_table=rows))) == ROWS
    assert steps_table("random:tiny") == ()


def test_a_choice_is_measured_once(tmp_path: Path) -> None:
    """Two figures of the same leave open which one counts."""
    file = policy_file(tmp_path)
    with pytest.raises(CheckpointError, match="1 steps with 2 actions are there twice"):
        write_card(file, held_out=None, recipe=RECIPE, steps_table=ROWS + ROWS[:1])
    twice = [row.model_dump() for row in ROWS + ROWS[:1]]
    with pytest.raises(CheckpointError, match="are there twice"):
        steps_table(str(policy_file(tmp_path, steps_table=twice)))


def test_a_card_from_before_has_no_table(tmp_path: Path) -> None:
    """Policies that were shipped before go on playing."""
    file = policy_file(tmp_path)
    write_card(file, held_out=None, recipe=RECIPE)
    said = json.loads(card_beside(file).read_text())
    del said["steps_table"]
    card_beside(file).write_text(json.dumps(said))
    assert read_card(file).steps_table == ()
