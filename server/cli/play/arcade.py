"""A policy plays levels of the arcade: the part of the demo in which it may know the game.

In this process, the game standing while the policy decides: no window, no capture, no virtual pad.
What it does with its pictures and answers is what ``nitropilot play`` does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.agent.pad.mapping import pad_states
from nitropilot.agent.play.deciding import Decider
from nitropilot.agent.play.settings import PlaySettings
from nitropilot.capture.frame import Frame
from nitropilot.controller.state import NEUTRAL
from nitropilot.policy.actions import decode
from nitropilot.simulator.arcade.core.world import HZ, Outcome
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.rules import RULES
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.benchmark.runner.video import EpisodeVideo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nitropilot.controller.state import GamepadState
    from nitropilot.engines.base import Engine
    from nitropilot.simulator.arcade.tasks import Task

SEED = 7
"""Of every level: far below those that are taught (``simulator.demonstrations``)."""
SHOWN_HZ = 20
"""Pictures a second of the video."""
HELD = 10
"""Pictures of the video for which the end of a level stays."""
FIRST = tuple(TASKS[f"{game}-1"] for game in RULES)
"""The first task of each game."""


@dataclass(frozen=True)
class Level:
    """How one level went.

    Attributes:
        task: Its name.
        seed: Of the level.
        seen: Whether the policy was trained on this game; None where that is not known.
        end: "won", "lost" or "out of time".
        progress: How far it got, 0 to 1.
        seconds: Of game time.
    """

    task: str
    seed: int
    seen: bool | None
    end: str
    progress: float
    seconds: float


def play_arcade(
    engine: Engine,
    video: Path,
    tasks: tuple[Task, ...] = FIRST,
    tell: Callable[[str, float], None] = lambda _task, _done: None,
) -> list[Level]:
    """Play one level of each task, and write a video of all of them.

    Args:
        engine: Decides; stays open.
        video: The finished file's.
        tasks: Which.
        tell: Told of each before it begins, and how much of all is done, 0 to 1.

    Raises:
        RecordingError: The video cannot be written.
        NitroPilotError: The engine failed.
    """
    film = EpisodeVideo(video, SHOWN_HZ)
    levels = []
    try:
        for number, task in enumerate(tasks):
            tell(f"playing {task.name}", number / len(tasks))
            levels.append(_play(engine, task, number, film))
        film.finish()
    finally:
        film.drop()
    return levels


def _play(engine: Engine, task: Task, number: int, film: EpisodeVideo) -> Level:
    game = Game(task.rules.name)
    game.reset(SEED, task.level)
    steps = 0
    for state in _decided(engine, game, number):
        game.step(state)
        steps += 1
        over = game.over or steps == task.ticks
        if steps % (HZ // SHOWN_HZ) == 0 or over:
            for _ in range(HELD if over else 1):
                film.put(game.draw(), state, task.name)
        if over:
            break
    trained_on = engine.spec.trained_on
    seen = None if trained_on is None else game.name in trained_on
    end = "out of time" if game.outcome is Outcome.PLAYING else game.outcome.value
    return Level(task.name, SEED, seen, end, game.progress, steps / HZ)


def _decided(engine: Engine, game: Game, number: int) -> Iterator[GamepadState]:
    """What is pressed in each step of a level, without an end; the pictures are the game's."""
    spec = engine.spec
    settings = PlaySettings(seed=SEED).of(spec)
    timeline, count = settings.timeline(spec), settings.played(spec)
    decider, tick = Decider(engine, settings), 0
    hold = max(round(HZ / settings.hz), 1)
    planned: list[GamepadState] = []
    while True:
        frame = Frame(game.draw(), time.perf_counter())
        decision = decider.decide(frame, number, tick)
        fresh = pad_states(decode(decision.chunk.actions, old_layout=spec.old_layout))
        now, planned = timeline.lay(planned, fresh, count, NEUTRAL)
        for state in now:
            tick += 1
            yield from [state] * hold
