"""What the freeze experiment makes of its runs; ``make freeze`` plays them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.freeze.__main__ import main, ways
from benchmarks.freeze.judging import compare
from benchmarks.freeze.plots import draw
from benchmarks.freeze.runs import Run
from benchmarks.freeze.subjects import Subject, with_place
from benchmarks.freeze.ways import Way
from nitropilot.controller.state import NEUTRAL
from nitropilot.simulator.games.supertux.judge import with_scripts

if TYPE_CHECKING:
    from pathlib import Path

TICKS = 240
SUBJECT = Subject("runner-1", 1, (NEUTRAL,) * TICKS, ("x", "coins"))
RUNS = 10


def run(way: Way, shift: float = 0.0, digest: str = "a", ahead: float = 0.0) -> Run:
    """A walk of 100 pixels a second, ``shift`` pixels off."""
    times = np.arange(TICKS + 1) / 60
    values = np.stack([100 * times + shift, np.floor(times)], axis=1)
    return Run(way, times, values, float(times[-1]), False, ahead, 0, digest)


def some(way: Way, off: float = 0.0, spread: float = 2.0) -> list[Run]:
    """Runs that lie around ``off``, as those that were not frozen lie around 0."""
    shifts = np.random.default_rng(0).standard_normal(RUNS)
    return [run(way, off + spread * shift) for shift in shifts]


def test_what_is_as_it_was_without_freezes() -> None:
    """The same spread around the same place is equivalent; the place itself must be tested."""
    rows = compare(SUBJECT, some(Way("free")), some(Way("clock", 50)), 4.0)
    assert all(row.equivalent for row in rows)
    assert {row.what for row in rows} >= {"x at 0.5 s", "x at 4.0 s", "coins at 4.0 s"}


def test_what_is_elsewhere() -> None:
    """A jump by the time that it stood, as a clock that runs on makes it, is found."""
    rows = compare(SUBJECT, some(Way("free")), [run(Way("stop", 200), 20.0)] * RUNS, 4.0)
    assert [row.equivalent for row in rows if row.what.startswith("x")] == [False] * 8
    assert all(row.margin == pytest.approx(max(2 * row.spread, 0.01 * row.span)) for row in rows
               if row.span)  # fmt: skip


@pytest.mark.parametrize("broken", [None, "lockstep", "clock", "ran on"])
def test_the_verdict(broken: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture that differs in lockstep, or a clock that jumps, misses the bar."""

    def measured(
        _one: Subject, freezes: list[int], runs: int, seconds: float
    ) -> dict[Way, list[Run]]:
        found = {way: some(way)[:runs] for way in ways(freezes)}
        for way, its in found.items():
            if way.name == broken == "lockstep":
                its[-1] = run(way, digest="b")
            if way.name == broken == "clock":
                its[:] = [run(way, 60.0)] * runs
            if way.name == "clock" and broken == "ran on":
                its[-1] = run(way, ahead=0.2)
            if way.name == "stop":
                its[:] = [run(way, ahead=1.0)] * runs
            # What a game does more at its begin it does in every way, and it is nobody's fault.
            its[:] = [replace(one, ahead=one.ahead + 0.25) for one in its]
        return found

    monkeypatch.setattr("benchmarks.freeze.__main__.subject", lambda game: SUBJECT)
    monkeypatch.setattr("benchmarks.freeze.__main__.measure", measured)
    words = ["--game", "runner", "--freezes", "0,200", "--runs"]
    assert main([*words, str(RUNS)]) == bool(broken)
    few = broken in ("lockstep", "ran on")
    assert main([*words, "2"]) == few, "two runs show no equivalence, and that a clock ran on"


def test_it_is_drawn(tmp_path: Path) -> None:
    """A picture for each game."""
    path = tmp_path / "runner.png"
    draw(SUBJECT, {way: some(way)[:2] for way in ways([0, 200])}, path)
    assert path.stat().st_size > 10_000


def test_tux_says_where_he_is() -> None:
    """Once a picture, before his coins."""
    level = with_place(with_scripts('(sector\n(name "main")\n)'))
    assert level.index("NP at") < level.index("NP tux")
    with pytest.raises(ValueError, match="coins"):
        with_place("(sector)")


@pytest.mark.parametrize("words", [["--runs", "1"], ["--freezes", "-5"], ["--seconds", "0"]])
def test_what_cannot_be_measured(words: list[str]) -> None:
    """Said before a game is launched."""
    with pytest.raises(SystemExit):
        main(words)
