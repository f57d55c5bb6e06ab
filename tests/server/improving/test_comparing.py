"""Old against new: the same fresh levels for both, and "better" only where it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.server.cli.training.playing import FIRST_LEVEL as CHOOSES
from nitropilot.server.improving import comparing
from nitropilot.server.improving.comparing import Comparison, compare, tasks_of
from nitropilot.simulator.benchmark.statistics.paired import paired_success
from nitropilot.simulator.demonstrations.levels import FIRST_LEVEL as TAUGHT
from tests.training.making import small_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "c0ffee" * 10 + "c0ff"


def silent(_text: str, _done: float) -> None:
    """Nobody listens."""


def test_both_play_the_same_levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other levels for each would compare luck; known levels, what they were chosen by."""
    asked: list[tuple[str, int, int | None]] = []
    play = comparing.play_levels

    def noted(player, task, seeds, chunk):  # type: ignore[no-untyped-def] # as it is called
        asked.extend((task.task, seed, chunk) for seed in seeds)
        return play(player, task, seeds, chunk)

    monkeypatch.setattr(comparing, "play_levels", noted)
    old = str(small_policy(tmp_path / "old.safetensors"))
    new = str(small_policy(tmp_path / "new.safetensors", seed=1))
    told: list[float] = []
    found = compare(old, new, MARK, ["pulse-1"], 1, lambda _text, done: told.append(done))
    assert asked == [("pulse-1", found.first_seed, 2)] * 2
    assert CHOOSES + 10_000 <= found.first_seed < TAUGHT
    assert told == [0.5, 1.0]
    assert found.pairs.n == found.facts()["levels"] == 1


def test_the_new_one_is_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table read the wrong way round offers the worse of two."""

    def played(policy: str, levels: list[object]) -> Iterator[bool]:
        return iter([policy == "new"] * len(levels))

    monkeypatch.setattr(comparing, "_play", played)
    better = compare("old", "new", MARK, ["maze-1", "maze-2"], 5, silent)
    assert (better.old_won, better.new_won, better.verdict) == (0, 10, "better")
    assert compare("new", "old", MARK, ["maze-1"], 10, silent).verdict == "worse"
    assert compare("new", "new", MARK, ["maze-1"], 10, silent).verdict == "not shown"


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (5, 0, "not shown"),
        (0, 5, "not shown"),
        (0, 6, "better"),
        (6, 0, "worse"),
        (9, 20, "not shown"),
        (9, 24, "better"),
    ],
)
def test_a_difference_has_to_be_shown(old: int, new: int, verdict: str) -> None:
    """Five more wins in ten levels are a coin's: the exact test of pairs decides, at 5 %."""
    one = [True] * old + [False] * new + [True, False] * 10
    other = [False] * old + [True] * new + [True, False] * 10
    found = Comparison(("maze-1",), 600_000, paired_success(one, other))
    assert found.verdict == verdict
    facts = found.facts()
    assert (facts["only_old"], facts["only_new"], facts["levels"]) == (old, new, len(one))
    share = facts["new"]
    assert isinstance(share, dict)
    assert share["low"] < share["share"] == (10 + new) / len(one) < share["high"]
    assert f"{new} by the new one alone" in found.text


def test_only_what_has_tasks_is_measured() -> None:
    """Of a game that nobody can judge nothing is claimed."""
    assert tasks_of("maze") == ["maze-1", "maze-2", "maze-3"]
    assert tasks_of("road-2") == ["road-2"]
    assert tasks_of("mygame") == []
