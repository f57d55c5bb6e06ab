"""What is frozen: SuperTux and two games of the arcade in their windows, each with a script of pads
by game time, and the numbers that its own output says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button, GamepadState
from nitropilot.simulator.environments.actions import action_of
from nitropilot.simulator.environments.arcade_env import ArcadeEnv
from nitropilot.simulator.environments.arcade_window import ArcadeWindowEnv
from nitropilot.simulator.environments.game_env import GameEnv
from nitropilot.simulator.environments.task_env import HZ
from nitropilot.simulator.games.supertux.judge import LEVEL, GameJudge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.freeze.ways import Way
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.simulator.environments.holding import Held
    from nitropilot.simulator.games.judging import Judge
    from nitropilot.simulator.games.known import GameTask

ARCADE_SEED = 3
SUPERTUX_HZ = 64
"""Steps of its logic in a second."""
ROUNDS, RIGHT, LEFT, JUMP = 4, 84, 66, 18
"""Of SuperTux's script: times to and fro, and ticks that a direction and a jump are pressed."""


@dataclass(frozen=True)
class Subject:
    """One game of the experiment.

    Attributes:
        task: Which of its tasks.
        seed: Of every run.
        pads: What is pressed in each tick of game time.
        read: The facts that are compared.
        own: The fact that counts the steps that the game did by its own clock.
        own_hz: How many of them it does in a second.
    """

    task: str
    seed: int
    pads: tuple[GamepadState, ...]
    read: tuple[str, ...]
    own: str = "tick"
    own_hz: int = HZ

    def env(self, way: Way) -> GameEnv:
        """An environment of it that is held in that way."""
        kind = _HeldArcade if self.task.partition("-")[0] != "supertux" else _HeldSuperTux
        return kind(self.task, way)

    def values(self, facts: dict[str, Any]) -> list[float]:
        """The numbers that are compared, of what the judge has read."""
        return [float(facts[name]) for name in self.read]


class PlaceJudge(GameJudge):
    """SuperTux's judge, told where Tux is as well."""

    def __init__(self, task: GameTask, profile: Path, output: Path) -> None:
        super().__init__(task, profile, output)
        self.place = (0.0, 0.0)

    @staticmethod
    def prepare(task: GameTask, profile: Path) -> None:
        """Let the script that prints coins print the place before."""
        GameJudge.prepare(task, profile)
        path = profile / LEVEL
        path.write_text(with_place(path.read_text(encoding="utf-8")), encoding="utf-8")

    def read(self) -> Any:
        """As ``Judge``, with ``px`` and ``py``, pixels of the level, and ``turns`` among the facts.

        Its script has a turn in each step of the game's logic.
        """
        verdict = super().read()
        verdict.facts.update(px=self.place[0], py=self.place[1], turns=self._lines)
        return verdict

    def _take(self, word: str, *rest: str) -> None:
        if word == "at":
            self.place = (float(rest[0]), float(rest[1]))
        else:
            super()._take(word, *rest)


_SPEED = 'print(\\"NP tux \\"'
_PLACE = 'print(\\"NP at \\" + Tux.get_x() + \\" \\" + Tux.get_y()); '


def with_place(level: str) -> str:
    """A level whose script says the place too.

    Raises:
        ValueError: It has no such script.
    """
    if level.count(_SPEED) != 1:
        raise ValueError("the level does not say Tux's coins once a picture")
    return level.replace(_SPEED, _PLACE + _SPEED)


class _HeldSuperTux(GameEnv):
    def __init__(self, task: str, way: Way) -> None:
        self._way = way
        super().__init__(task, track=way.track)

    def _judge_kind(self) -> type[Judge]:
        return PlaceJudge

    def _hold(self, launched: LaunchedGame) -> Held:
        return self._way.hold(launched)


class _HeldArcade(ArcadeWindowEnv):
    def __init__(self, task: str, way: Way) -> None:
        self._way = way
        super().__init__(task, track=way.track)

    def _hold(self, launched: LaunchedGame) -> Held:
        return self._way.hold(launched)


def subject(game: str) -> Subject:
    """One of ``GAMES``; the arcade's pads are what its expert presses in process.

    Tux runs and jumps to and fro before the first enemy: a run that wins is so near to dying, all
    the way, that it ends in as many places as it is played at a busy machine's own speed.
    """
    if game == "supertux":
        pads, read = tuple(_to_and_fro()), ("px", "py", "coins")
        return Subject("supertux-1", 1, pads, read, "turns", SUPERTUX_HZ)
    task, read = _ARCADE[game]
    return Subject(task, ARCADE_SEED, tuple(_expert_pads(task)), read)


_ARCADE = {
    "runner": ("runner-1", ("x", "y", "progress")),
    "road": ("road-1", ("place", "x", "passed")),
}
GAMES = ("supertux", *_ARCADE)


def _to_and_fro() -> Iterator[GamepadState]:
    for _ in range(ROUNDS):
        for direction, ticks in ((1.0, RIGHT), (-1.0, LEFT)):
            for tick in range(ticks):
                jumps = ticks // 3 <= tick < ticks // 3 + JUMP
                buttons = Button.A if jumps else Button(0)
                yield GamepadState(left=(direction, 0.0), buttons=buttons)


def _expert_pads(task: str) -> Sequence[GamepadState]:
    env = ArcadeEnv(task)
    env.reset(seed=ARCADE_SEED)
    pads: list[GamepadState] = []
    over = False
    while not over:
        pads.append(env.expert())
        _, _, terminated, truncated, _ = env.step(action_of(pads[-1]))
        over = terminated or truncated
    env.close()
    return pads
