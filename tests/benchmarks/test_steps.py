"""What ``make bench-steps`` makes of what it measures; a small run of it, from end to end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import steps as bench
from benchmarks.steps import best_for, main, parsed, table
from nitropilot.policy.shipped.card import Recipe, read_card, write_card
from nitropilot.policy.steps_rows import StepsRow
from tests.policy.checkpoints import MICRO, changed, micro_weights, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

TOOK = {1: 10.0, 4: 20.0, 16: 60.0}


def row(steps: int, actions: int, success: float) -> StepsRow:
    """A figure of 30 levels."""
    return StepsRow(steps=steps, actions=actions, success=success, progress=success, levels=30)


ROWS = (
    row(1, 4, 0.3), row(4, 4, 0.8), row(1, 8, 0.2), row(4, 8, 0.6), row(16, 8, 0.7),
    row(1, 16, 0.1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("slower", "choice"), [(1, (4, 4)), (2, (4, 8)), (4, (1, 8)), (10, (1, 16)), (16, None)]
)
def test_what_a_slow_machine_should_choose(slower: float, choice: tuple[int, int] | None) -> None:
    """Half of four actions at 60 Hz is 33 ms, of eight 67, of sixteen 133: no later than that."""
    found = best_for(ROWS, TOOK, 60.0, slower)
    assert (found and (found.steps, found.actions)) == choice


def test_the_table_says_it() -> None:
    """One row a choice, a column an engine, and a line for each machine, by the faster engine."""
    text = table(ROWS, {"torch float32": {1: 99.0, 4: 99.0, 16: 99.0}, "openvino int8": TOOK}, 60.0)
    lines = text.splitlines()
    assert (
        lines[0] == "| actions | steps | won / progress | torch float32, ms | openvino int8, ms |"
    )
    assert lines[2] == "| 4 | 1 | 0.30 / 0.30 | 99.0 | 10.0 |"
    assert len(lines) == 2 + len(ROWS) + 1 + 3
    assert "here (openvino int8): `--steps 4 --actions-per-chunk 4`, won 0.80" in lines[-3]
    assert "4 times slower (openvino int8): `--steps 1 --actions-per-chunk 8`" in lines[-2]
    assert "16 times slower (openvino int8): nothing is there in time; play paused" in lines[-1]


def test_from_the_levels_to_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was played is what the card has then; choices beyond the chunk are left out."""
    own = {"actions": 2, "steps": 2, "games": ["maze"], "action_hz": 60.0}
    config = changed(changed(MICRO, "nitropilot", own), "modality_cfg.frame_per_sample", 1)
    file = write_safetensors(tmp_path / "small.safetensors", micro_weights(), config)
    monkeypatch.setattr(bench, "STEPS", (1, 2))
    monkeypatch.setattr(bench, "WAYS", {"torch float32": ("torch", "float32")})
    monkeypatch.setattr(bench, "tasks_of", lambda _: ["pulse-1"])
    words = [str(file), "--levels", "1", "--json", "--write-card"]
    assert main(words) == 2
    assert "cannot read" in capsys.readouterr().err
    write_card(file, held_out=None, recipe=Recipe(command="make pocket", seed=0, minutes=1.0))
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["steps"], each["actions"]) for each in found["rows"]] == [(1, 4), (2, 4)]
    assert [each.model_dump() for each in read_card(file).steps_table] == found["rows"]
    assert found["ms"].keys() == {"torch float32"}
    assert all(taken > 0 for taken in found["ms"]["torch float32"].values())


@pytest.mark.parametrize("words", [["--levels", "0"], ["--games", "chess"]])
def test_what_it_refuses(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With the value, before anything is loaded."""
    with pytest.raises(SystemExit):
        parsed(words)
    assert words[1] in capsys.readouterr().err
