"""``Judge``: says how a task stands, from what its game itself puts out.

A game's folder has ``judge.py`` with a class ``GameJudge``.  It reads what the game prints, logs or
saves, never what a policy says of itself, and never the picture alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from nitropilot.simulator.games.known import GameTask, KnownGame

    Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Verdict:
    """How a task stands.

    Attributes:
        playing: Whether the game is in play: before that nothing counts.
        progress: 0 to 1: how many rungs of the task's ladder were reached.
        won, lost: Whether it is over, and how.
        facts: What was read, for whoever wants to judge the judge.
        score, full_score: What the task counts, in its own unit, and how much of it wins; None
            where it counts nothing.
    """

    playing: bool
    progress: float
    won: bool
    lost: bool
    facts: dict[str, Any] = field(default_factory=dict)
    score: float | None = None
    full_score: float | None = None


class Judge(ABC):
    """Judges one launch of one task.

    Args:
        task: Which.
        profile: The folder made for the launch.
        output: What the game prints.
    """

    def __init__(self, task: GameTask, profile: Path, output: Path) -> None:
        self.task, self.profile = task, profile
        self._output = output
        self._read_to = 0

    @staticmethod
    @abstractmethod
    def prepare(task: GameTask, profile: Path) -> None:
        """Put the task's start state into a new profile.

        Raises:
            OSError: What it is made of is missing, or there is no room.
        """

    @abstractmethod
    def read(self) -> Verdict:
        """How the task stands by all that the game has put out until now."""

    def shown(self, picture: Image) -> dict[str, Any]:
        """Those facts that the picture shows too, as it shows them; a second opinion.

        Args:
            picture: The whole window, ``H x W x 3`` uint8, RGB.
        """
        return {}

    def new_lines(self) -> list[str]:
        """What the game has printed since the last time, as whole lines."""
        with self._output.open("rb") as file:
            file.seek(self._read_to)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return whole.decode(errors="replace").splitlines()


def judge_class(game: KnownGame) -> type[Judge]:
    """The class that judges a game's tasks."""
    module = import_module(f"nitropilot.simulator.games.{game.name}.judge")
    return cast("type[Judge]", module.GameJudge)
