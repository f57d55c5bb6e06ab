"""The fifteen tasks: who wins them, and that a level is the same every time."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

import pytest

from nitropilot.simulator.arcade.core.pad import pad
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.tasks import TASKS, Task
from nitropilot.simulator.arcade.trials import (
    KEPT,
    MEASURED,
    at_random,
    blind,
    expert,
    idle,
    measured,
    open_loop,
    outcomes,
    play,
)

if TYPE_CHECKING:
    from nitropilot.controller.state import GamepadState

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
DIGESTS = {
    "runner-1": "06e1733dc1c5aaa7",
    "runner-2": "3578be934088f960",
    "runner-3": "d02769aac03189f9",
    "arena-1": "fb05f594674d9a6b",
    "arena-2": "23b0b063208b36af",
    "arena-3": "386323a9283bbf0e",
    "maze-1": "9d449771fe68fe44",
    "maze-2": "25488559f309f260",
    "maze-3": "8298b081075281f3",
    "road-1": "4e7b45f257ecaed2",
    "road-2": "8d4f7c71f0c9783c",
    "road-3": "ceff3042cc1d3c29",
    "pulse-1": "ff354f6a9210ad98",
    "pulse-2": "c29b1e37d07a42be",
    "pulse-3": "1a5cf76f58e81fe3",
}
"""Of all states of level 7 when the expert plays it, on every machine."""


def states(task: Task, seed: int, trace: list[GamepadState]) -> list[str]:
    """The state after each step of a trace, as text."""
    world = task.rules.new(seed, task.level)
    found = [json.dumps(world.state())]
    for state in trace:
        world.step(pad(state))
        found.append(json.dumps(world.state()))
    return found


def test_each_game_has_three_tasks() -> None:
    """A benchmark that lacks a genre or a grade says less than it promises."""
    assert len(TASKS) == 15
    assert {task.rules.name for task in TASKS.values()} == {
        "runner", "arena", "maze", "road", "pulse",
    }  # fmt: skip
    assert all(task.rules.new(0, task.level).rungs()[1] >= 5 for task in TASKS.values())


@every_task
def test_the_expert_wins(task: Task) -> None:
    """Nobody can learn from a teacher who loses; and a level that cannot be won is no level."""
    runs = [play(task, seed, expert(task, seed)) for seed in range(12)]
    assert [run.won for run in runs].count(True) >= 12 * 0.95
    assert all(run.progress == 1.0 for run in runs if run.won)
    assert max(run.ticks for run in runs) < 0.75 * task.ticks, "others need time for detours"


@every_task
def test_one_picture_is_enough(task: Task) -> None:
    """A game that is lost when 16 actions are played blindly from a place 4 px off cannot be
    learned from single pictures."""
    runs = [play(task, seed, open_loop(task, seed)) for seed in range(10)]
    assert [run.won for run in runs].count(True) >= 9


@every_task
def test_nobody_wins_by_doing_nothing_or_anything(task: Task) -> None:
    """A task that chance solves measures nothing."""
    assert not any(play(task, seed, idle(task, seed)).won for seed in range(3))
    assert not any(play(task, seed, at_random(task, seed)).won for seed in range(14))


@every_task
def test_who_does_not_look_does_not_win(task: Task) -> None:
    """A policy that has learned one level by heart must not pass for one that sees."""
    runs = [play(task, seed, blind(task, seed)) for seed in range(10)]
    assert sum(run.won for run in runs) <= 1
    assert sum(run.progress for run in runs) / len(runs) < 0.5


@every_task
def test_a_trace_gives_the_same_states(task: Task) -> None:
    """Results of two machines could not be compared, nor a recording be played again."""
    trace = play(task, 7, expert(task, 7)).trace
    found = states(task, 7, trace)
    assert found == states(task, 7, trace)
    assert found != states(task, 8, trace)
    digest = hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]
    assert digest == DIGESTS[task.name], "the rules or the levels have changed: results with them"


@every_task
def test_progress_climbs_rung_by_rung(task: Task) -> None:
    """A ladder that falls, or jumps to its end, rewards the wrong thing."""
    world = task.rules.new(3, task.level)
    seen = [world.progress]
    while world.outcome is Outcome.PLAYING:
        world.step(pad(task.rules.expert(world)))
        seen.append(world.progress)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert seen == sorted(seen)
    assert len(set(seen)) >= 5


@every_task
def test_a_clone_goes_its_own_way(task: Task) -> None:
    """An expert that plans on a copy must not play the game while it thinks."""
    world = task.rules.new(5, task.level)
    for _ in range(150):
        world.step(pad(task.rules.expert(world)))
    before = json.dumps(world.state())
    twin = world.clone()
    assert json.dumps(twin.state()) == before
    for _ in range(200):
        twin.step(pad(task.rules.expert(twin)))
    twin.nudge(4, -4)
    assert json.dumps(world.state()) == before
    assert json.dumps(twin.state()) != before


@every_task
def test_nothing_changes_once_it_is_over(task: Task) -> None:
    """A verdict that can still change after the end is none."""
    world = task.rules.new(1, task.level)
    while world.outcome is Outcome.PLAYING:
        world.step(pad(task.rules.expert(world)))
    over = {key: value for key, value in world.state().items() if key != "tick"}
    for _ in range(30):
        world.step(pad(task.rules.expert(task.rules.new(1, task.level))))
    assert {key: value for key, value in world.state().items() if key != "tick"} == over


LEVELS = 40


@pytest.mark.parametrize("name", TASKS)
def test_what_was_measured_is_so(name: str) -> None:
    """The list shows it: another arcade has to be measured anew (``trials --keep``)."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    first, levels = kept["first_seed"], kept["won"][name]
    some = random.Random(name).sample(range(LEVELS), 2)
    for who in MEASURED:
        assert len(levels[who]) == LEVELS
        for place in some:
            assert outcomes(name, who, [first + place]) == levels[who][place]
    shares = measured()[name]
    assert shares["expert"] >= 0.95
    assert shares["idle"] == 0
    assert shares["random"] <= 0.04
