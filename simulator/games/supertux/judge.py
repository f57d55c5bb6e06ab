"""Judges SuperTux's tasks by what the scripts of its level print.

The level is the installed game's own, with scripts added that leave alone what happens in it: they
print coins and speed once a picture, each zone that is entered, and each enemy that dies.  Tux has
died when a level begins a second time, or when he falls as he does out of the level.  An enemy is
beaten if Tux bounces off it: some walk out of the level by themselves, and die as well.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.simulator.games.judging import Judge, Verdict

if TYPE_CHECKING:
    from nitropilot.simulator.games.known import GameTask

LEVELS = Path("/usr/share/games/supertux2/levels")
LEVEL = "level.stl"
"""In the profile; ``game.toml`` starts the game with it."""
MARK = "[SCRIPTING] NP "
ZONES = (*range(300, 2000, 100), 2000)
"""Where a line is printed on the way, in pixels of the level."""
KILLS, COINS, FAR = 3, 10, 2000
NEAR = (600, 1400)
"""Where the first and the second enemy come into the picture."""
HEIGHT = 2000
_STATE = (
    'print("NP begin"); while (true) { print("NP tux " + Tux.get_coins() + " " + '
    'Tux.get_velocity_x() + " " + Tux.get_velocity_y()); wait(0.01); }'
)
_ENEMY = re.compile(r"\((snowball|smartball|mriceblock|mrbomb|flyingsnowball|bouncingsnowball)\n")
_SECTOR = '(name "main")\n'
FALLING = 1300.0
"""Pixels a second: faster than any fall within the level's height that is survived."""


def with_scripts(level: str) -> str:
    """A level that prints what happens in it.

    Raises:
        ValueError: It has no main sector.
    """
    if _SECTOR not in level:
        raise ValueError("the level has no main sector")
    zones = "".join(
        f'    (scripttrigger (width 32) (height {HEIGHT}) (script "print(\\"NP zone {x}\\")") '
        f"(button #f) (x {x}) (y {-HEIGHT // 2}))\n"
        for x in ZONES
    )
    quoted = _STATE.replace('"', '\\"')
    level = level.replace(_SECTOR, f'{_SECTOR}    (init-script "{quoted}")\n{zones}', 1)
    return _ENEMY.sub(r'(\1\n      (dead-script "print(\\"NP dead \1\\")")\n', level)


class GameJudge(Judge):
    """Coins, zones and enemies, each with a ladder of its own."""

    def __init__(self, task: GameTask, profile: Path, output: Path) -> None:
        super().__init__(task, profile, output)
        self._begun = self._lines = self._killed = self._zone = 0
        self._first: int | None = None
        self._dead = 0
        self._coins = 0
        self._lost = False

    @staticmethod
    def prepare(task: GameTask, profile: Path) -> None:
        """Write the level."""
        source = (LEVELS / task.start).read_text(encoding="utf-8")
        (profile / LEVEL).write_text(with_scripts(source), encoding="utf-8")

    def read(self) -> Verdict:
        """As ``Judge``; what is printed after a death counts for nothing."""
        for line in self.new_lines():
            if line.startswith(MARK) and not self._lost:
                self._take(*line.removeprefix(MARK).split())
        got = self._coins - (self._first or 0)
        reached = {
            "kills": (self._fight(), self._killed, KILLS),
            "coins": (got / COINS, got, COINS),
            "x": (self._zone / FAR, self._zone, FAR),
        }
        progress, score, full = reached[self.task.measure]
        progress = min(max(progress, 0.0), 1.0)
        facts = {"kills": self._killed, "coins": got, "x": self._zone, "died": self._lost}
        return Verdict(
            self._lines > 1, progress, progress >= 1.0, self._lost, facts, score, full
        )  # fmt: skip

    def _fight(self) -> float:
        """To come near the first ones counts as well: three rungs would be a short ladder."""
        near = [self._zone >= x or self._killed > place for place, x in enumerate(NEAR)]
        return (sum(near) + min(self._killed, KILLS)) / (len(NEAR) + KILLS)

    def _take(self, word: str, *rest: str) -> None:
        if word == "begin":
            self._begun += 1
            self._lost = self._begun > 1
        elif word == "dead":
            self._dead += 1
        elif word == "zone":
            self._zone = max(self._zone, int(rest[0]))
        elif word == "tux":
            self._lines += 1
            self._coins = int(rest[0])
            if self._first is None:
                self._first = self._coins
            speed = float(rest[2])
            self._lost = speed > FALLING
            if speed < 0:
                self._killed += self._dead
            self._dead = 0
