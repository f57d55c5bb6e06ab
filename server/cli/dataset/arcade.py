"""Levels of the arcade as ``dataset.made`` takes them, and what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.dataset.made.plays import Step
from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.pad import Moment
from nitropilot.records.format import BUTTON_BITS
from nitropilot.simulator.arcade.rules import RULES
from nitropilot.simulator.demonstrations.levels import Level
from nitropilot.simulator.demonstrations.recording import tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.controller.state import GamepadState
    from nitropilot.dataset.made.plays import Plays

CREATOR, SOURCE = "NitroPilot", "NitroPilot Arcade"


class ArcadePlay:
    """A level that its game's script plays.

    Args:
        level: Which.
        size: Side of its pictures.
    """

    def __init__(self, level: Level, size: int) -> None:
        self._level, self._size = level, size
        self.name, self.seed = level.task, level.seed

    @property
    def won(self) -> bool:
        """Whether the script won."""
        return self._level.won

    def steps(self) -> Iterator[Step]:
        """All of its ticks."""
        for tick in self._level.ticks(self._size):
            yield Step(tick.picture.copy(), moment_of(tick.state), tick.taught)


def moment_of(state: GamepadState) -> Moment:
    """A pad's state as data sets have it: by published names, negative y up."""
    (left_x, left_y), (right_x, right_y) = state.left, state.right
    down = frozenset(name for name, bit in BUTTON_BITS.items() if int(state.buttons) & bit)
    return Moment(
        down, (left_x, -left_y, right_x, -right_y), (state.left_trigger, state.right_trigger)
    )


def arcade_plays(seed: int, noisy: float, size: int) -> Plays:
    """Levels that no benchmark has; a game's tasks take turns.

    Args:
        seed: Of the levels and of what is foreign in them.
        noisy: Share of the levels with bursts of foreign input.
        size: Side of the pictures.
    """

    def play(game: str, number: int) -> ArcadePlay:
        tasks = tasks_of(game)
        return ArcadePlay(Level.drawn(tasks[number % len(tasks)], seed, number, noisy), size)

    return play


def facts_of(game: str, licence: str) -> Facts:
    """What is known of a game of the arcade, or of one of its tasks."""
    name = game if game in RULES else game.rpartition("-")[0]
    return Facts(name, CREATOR, RULES[name].genre, licence=licence, source=SOURCE)
