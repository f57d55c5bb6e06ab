"""Winning runs of every task, kept as pad traces: they are won again, picture for picture."""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.state import Button, GamepadState
from nitropilot.simulator.environments.replaying import Replayed, replay
from nitropilot.simulator.games.known import GAME_TASKS
from nitropilot.simulator.games.recipes import installed
from nitropilot.simulator.games.traces import PadTrace, traces_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEPT = [
    PadTrace.read(path)
    for game in sorted({task.rpartition("-")[0] for task in GAME_TASKS})
    for path in traces_of(game)
]
WINNING = {trace.task: trace for trace in KEPT if trace.won}
LOST = [trace for trace in KEPT if not trace.won]
PAUSE_S = 0.2
PROCESSES, BAR_PROCESSES = 2, 5
real = [
    pytest.mark.game,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux"),
]


def test_every_task_was_won_once() -> None:
    """A task that nobody has ever won may be one that cannot be."""
    assert WINNING.keys() == GAME_TASKS.keys()
    assert all(trace.progress == 1.0 for trace in WINNING.values())


def test_a_trace_is_what_was_written(tmp_path: Path) -> None:
    """Every stick, trigger and button; and it is said which file is none."""
    states = (
        GamepadState(),
        GamepadState((0.5, -1.0), (0.25, 0.0), 0.5, 1.0, Button.A | Button.DPAD_LEFT),
    )
    trace = PadTrace("game-1", 7, "1.0", won=False, progress=0.25, states=states * 2)
    trace.write(tmp_path / "trace.json")
    assert PadTrace.read(tmp_path / "trace.json") == trace
    for text in ("", "{}", '{"task": "a", "pads": [[1, {"left": [1]}]]}'):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(ValueError, match=r"other.json is no pad trace"):
            PadTrace.read(tmp_path / "other.json")


def dawdling(seed: int) -> Callable[[int], None]:
    """Before a twentieth of the steps, a pause."""
    dice = random.Random(seed)

    def wait(_: int) -> None:
        if dice.random() < 0.05:
            time.sleep(dice.random() * PAUSE_S)

    return wait


@pytest.mark.game
@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")
@pytest.mark.parametrize(
    "processes", [PROCESSES, pytest.param(BAR_PROCESSES, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("task", WINNING)
def test_it_is_won_again(task: str, processes: int) -> None:
    """A run that ends otherwise when somebody else plays it proves nothing; each launch is a new
    process of the game."""
    if not installed(GAME_TASKS[task][0].name):
        pytest.skip(f"{GAME_TASKS[task][0].name} is not installed")
    trace = WINNING[task]
    first = replay(trace)
    assert (first.won, first.progress, first.steps) == (True, 1.0, len(trace.states))
    for number in range(1, processes):
        again = replay(trace, before=dawdling(number))
        assert unlike(first, again) == [], f"process {number}"
        assert again == first


@pytest.mark.game
@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")
@pytest.mark.parametrize("trace", LOST, ids=lambda trace: trace.task)
def test_a_lost_run_is_lost_again(trace: PadTrace) -> None:
    """A judge who says yes to everybody would let this one win."""
    if not installed(GAME_TASKS[trace.task][0].name):
        pytest.skip(f"{GAME_TASKS[trace.task][0].name} is not installed")
    again = replay(trace)
    assert (again.won, again.progress, again.steps) == (False, trace.progress, len(trace.states))


def unlike(one: Replayed, other: Replayed) -> list[int]:
    """Where the pictures of two replays differ."""
    return [
        step
        for step, pair in enumerate(zip(one.digests, other.digests, strict=True))
        if len({*pair}) > 1
    ]
