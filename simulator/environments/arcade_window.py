"""``ArcadeWindowEnv``: a task of the arcade in its own window, launched and held like any game.

Seed for seed and pad for pad it is what ``ArcadeEnv`` plays in process: the same state and the same
picture after every step of lockstep.  How it stands is read from what the game itself prints.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import NEUTRAL, GamepadState
from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.judged import MARK, pad_told
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.environments.arcade_env import in_size, task_of
from nitropilot.simulator.environments.game_env import GameEnv
from nitropilot.simulator.games.judging import Judge, Verdict
from nitropilot.simulator.games.known import GameTask, Hold, KnownGame, Setting, Start

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.simulator.environments.task_env import Image, Standing

PROGRAM = "nitropilot.simulator.arcade.judged"


HEART = 12
"""Side of the square that a drawn heart is looked for in, in pixels of the window."""
HEARTS = {
    "arena": ("hearts", [(6 + 14 * number, 4) for number in range(3)]),
    "pulse": ("energy", [(236, 30 + 13 * number) for number in range(5)]),
}
"""Which fact a game draws as hearts, and where."""


def _red(square: Image) -> bool:
    """Whether a heart that is left is drawn there; a lost one is as dark as what is around it."""
    red, green, blue = (square[..., channel].astype(int) for channel in range(3))
    return int(((red > 200) & (green < 100) & (blue < 120)).sum()) > HEART


class ArcadeJudge(Judge):
    """Reads the state that the game prints before each picture.

    Attributes:
        expert: What the game's script would press in the last one.
    """

    expert: GamepadState = NEUTRAL

    @staticmethod
    def prepare(task: GameTask, profile: Path) -> None:
        """Nothing: a level is drawn by its seed."""

    def __init__(self, task: GameTask, profile: Path, output: Path) -> None:
        super().__init__(task, profile, output)
        self._last = Verdict(playing=False, progress=0.0, won=False, lost=False)

    def read(self) -> Verdict:
        """As ``Judge``."""
        told = [line for line in self.new_lines() if line.startswith(MARK)]
        if told:
            self._take(json.loads(told[-1].removeprefix(MARK)))
        return self._last

    def shown(self, picture: Image) -> dict[str, Any]:
        """Hearts of the arena, energy of the pulse: so many red hearts are drawn."""
        if self.task.measure not in HEARTS:
            return {}
        fact, places = HEARTS[self.task.measure]
        return {fact: sum(_red(picture[y : y + HEART, x : x + HEART]) for x, y in places)}

    def _take(self, said: dict[str, Any]) -> None:
        state, (climbed, rungs) = said["state"], said["rungs"]
        self.expert = pad_told(said["expert"]) if said["expert"] else NEUTRAL
        self._last = Verdict(
            playing=True, progress=state["progress"], won=state["outcome"] == "won",
            lost=state["outcome"] == "lost", facts=state, score=climbed, full_score=rungs,
        )  # fmt: skip


class ArcadeWindowEnv(GameEnv):
    """One of the arcade's fifteen tasks, in its window on a private display.

    Args:
        task: "runner-1" to "pulse-3".
        size, render_mode, track: As ``GameEnv``.

    Raises:
        UnknownTask: There is no such task or track.
        BadSize: The size is none.
    """

    def __init__(
        self,
        task: str,
        size: int | tuple[int, int] = CANVAS,
        render_mode: str | None = None,
        track: str | None = None,
    ) -> None:
        super().__init__(task, size, render_mode, track, untested=True)

    def expert(self) -> GamepadState:
        """What the game's script would press in the picture that is shown, as the game says."""
        return self._judge.expert if isinstance(self._judge, ArcadeJudge) else NEUTRAL

    def _known(self, task: str) -> tuple[KnownGame, GameTask]:
        task_of(task)
        game = arcade_game(task)
        return game, game.tasks[0]

    def _judge_kind(self) -> type[Judge]:
        return ArcadeJudge

    def _begin(self, seed: int) -> Standing:
        words = (self.task.name, "--seed", str(seed))
        self.game = replace(self.game, launch=Start(module=PROGRAM, arguments=words,
                                                    private_profile=False))  # fmt: skip
        return super()._begin(seed)

    def _picture(self) -> Image:
        height, width = self.observation_space.shape[:2]  # type: ignore[index]
        return in_size(self._grabbed(), height, width)


def arcade_game(name: str) -> KnownGame:
    """A task of the arcade as the catalogue describes a game with one task."""
    task = TASKS[name]
    return KnownGame(
        name=task.rules.name,
        title=f"the arcade's {task.rules.name}",
        licence="MIT",
        perspective=task.rules.view,
        layout="procedural",
        packages=(),
        tried=(),
        asked=(),
        answers="",
        launch=Start(module=PROGRAM, private_profile=False),
        pad_notes=task.rules.pad,
        hold=Hold(lockstep=True, settle=False),
        setting=Setting(start="", size=(CANVAS, CANVAS), tap="start"),
        tasks=(GameTask(name, task.goal, "game-specific", task.seconds, "", task.rules.name),),
    )
