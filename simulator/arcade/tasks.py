"""The fifteen tasks of the arcade: three levels of each game."""

from __future__ import annotations

from dataclasses import dataclass

from nitropilot.simulator.arcade.core.world import HZ
from nitropilot.simulator.arcade.rules import RULES, Rules


@dataclass(frozen=True)
class Task:
    """One level of one game, and when it is over.

    Attributes:
        name: The game's name and 1 to 3.
        rules: Of the game.
        level: 0 to 2.
        goal: What has to be done, in words.
        seconds: Of game time, after which it is cut off.
    """

    name: str
    rules: Rules
    level: int
    goal: str
    seconds: int

    @property
    def ticks(self) -> int:
        """Steps after which it is cut off."""
        return self.seconds * HZ


_GOALS = {
    "runner": ("reach the flag", (40, 45, 55)),
    "arena": ("beat all who come", (60, 75, 90)),
    "maze": ("take all gems, then the gate", (40, 60, 90)),
    "road": ("overtake everybody and cross the finish", (45, 50, 55)),
    "pulse": ("play the song to its end", (30, 35, 40)),
}
TASKS = {
    f"{game}-{level + 1}": Task(f"{game}-{level + 1}", RULES[game], level, goal, limits[level])
    for game, (goal, limits) in _GOALS.items()
    for level in range(3)
}
"""By name, in the order of games and levels."""
