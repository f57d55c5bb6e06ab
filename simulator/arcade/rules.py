"""The five games: how each one's world is made, and who plays it well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.arcade.games.arena import expert as arena_expert
from nitropilot.simulator.arcade.games.arena.world import ArenaWorld
from nitropilot.simulator.arcade.games.maze import expert as maze_expert
from nitropilot.simulator.arcade.games.maze.world import MazeWorld
from nitropilot.simulator.arcade.games.pulse import expert as pulse_expert
from nitropilot.simulator.arcade.games.pulse.world import PulseWorld
from nitropilot.simulator.arcade.games.road import expert as road_expert
from nitropilot.simulator.arcade.games.road.world import RoadWorld
from nitropilot.simulator.arcade.games.runner import expert as runner_expert
from nitropilot.simulator.arcade.games.runner.world import RunnerWorld

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.arcade.core.world import World


@dataclass(frozen=True)
class Rules:
    """One game, without its looks.

    Attributes:
        name: "runner", "arena", "maze", "road" or "pulse".
        genre: In words.
        view: "2D side" or "2D top".
        new: Makes a world from (seed, level).
        expert: What to press in a world of this game.
        pad: What the pad does, in words.
        version: Of rules and levels: grows with each change that could change a verdict, so that
            results of another one are not taken for results of this game.
    """

    name: str
    genre: str
    view: str
    new: Callable[[int, int], World]
    expert: Callable[[Any], GamepadState]
    pad: str
    version: str = "1"


RULES = {
    rules.name: rules
    for rules in (
        Rules("runner", "platformer", "2D side", RunnerWorld.new, runner_expert.act,
              "left stick or d-pad walks, A jumps"),
        Rules("arena", "top-down combat", "2D top", ArenaWorld.new, arena_expert.act,
              "left stick walks, right stick aims, right trigger shoots"),
        Rules("maze", "maze navigation", "2D top", MazeWorld.new, maze_expert.act,
              "left stick or d-pad walks", "2"),
        Rules("road", "driving", "2D top", RoadWorld.new, road_expert.act,
              "left stick steers, right trigger or A is the gas, left trigger or B the brake"),
        Rules("pulse", "precision timing", "2D side", PulseWorld.new, pulse_expert.act,
              "X, A, B and Y play the four lanes"),
    )
}  # fmt: skip
