"""Players that need no process of their own: idle, random, a game's script, and a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.human.reader import human_report, open_human_pads
from nitropilot.controller.state import NEUTRAL
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import EntryError
from nitropilot.simulator.benchmark.policies.player import Player
from nitropilot.simulator.environments.actions import BUTTONS, WIDTH, action_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.player import Look
    from nitropilot.simulator.environments.task_env import TaskEnv

HELD = 8
"""Ticks that random play holds what it presses."""
HUMAN = "human"
CHANCE = 0.1
"""Of each button, each time."""


class Idle(Player):
    """Nobody at the pad."""

    card = Card("idle", "idle")

    def begin(self, info: dict[str, Any]) -> None:
        """Nothing to do."""

    def decide(self, look: Look) -> Actions:
        """Rest for ``HELD`` ticks."""
        return np.zeros((HELD, WIDTH), np.float32)


class Random(Player):
    """Every 8 ticks each button with a chance of .1, the sticks anywhere."""

    card = Card("random", "random")

    def begin(self, info: dict[str, Any]) -> None:
        """Draw from the episode's seed."""
        self._rng = np.random.default_rng(info["seed"])

    def decide(self, look: Look) -> Actions:
        """The same action ``HELD`` times."""
        pressed = self._rng.random(len(BUTTONS)) < CHANCE
        sticks = self._rng.uniform(-1.0, 1.0, WIDTH - len(BUTTONS))
        return np.tile(np.concatenate([pressed, sticks]).astype(np.float32), (HELD, 1))


class Expert(Player):
    """The game's own script, which reads its state; asked at every tick.

    Raises:
        EntryError: This game has none.
    """

    card = Card("expert", "expert")

    def __init__(self, env: TaskEnv) -> None:
        script: Callable[[], GamepadState] | None = getattr(env, "expert", None)
        if script is None:
            raise EntryError("this game has no expert", "leave --policy expert out")
        self._script = script

    def begin(self, info: dict[str, Any]) -> None:
        """Nothing to do."""

    def decide(self, look: Look) -> Actions:
        """One action."""
        return action_of(self._script())[None]


class Human(Player):
    """All physical pads as one, read once a tick; what is held stays pressed.

    Raises:
        EntryError: Pads cannot be read here.
    """

    card = Card(HUMAN, HUMAN)

    def __init__(self) -> None:
        try:
            self._pads = open_human_pads()
        except PadUnavailable as error:
            raise _no_pad(str(error), error.hint) from error
        self._state = NEUTRAL

    def begin(self, info: dict[str, Any]) -> None:
        """Nothing to do."""

    def decide(self, look: Look) -> Actions:
        """What is pressed now, for one tick."""
        while (state := self._pads.poll(0.0)) is not None:
            self._state = state
        return action_of(self._state)[None]


def check_pads() -> None:
    """Do nothing where a person has a pad to play with.

    Raises:
        EntryError: There is none, or none that can be read.
    """
    report = human_report()
    if not report.available:
        raise _no_pad(report.reason, report.hint)
    if report.pads == 0:
        raise EntryError("there is no gamepad", "plug one in, and try again")


def _no_pad(reason: str, hint: str) -> EntryError:
    return EntryError(f"a person's pad cannot be read: {reason}", hint)


BUILT_IN: dict[str, Callable[[TaskEnv], Player]] = {
    "idle": lambda _env: Idle(),
    "random": lambda _env: Random(),
    "expert": Expert,
}
"""What ``--policy`` names."""
NEAR: dict[str, Callable[[TaskEnv], Player]] = {**BUILT_IN, HUMAN: lambda _env: Human()}
"""All that play in the episode's own process; a person is entered by a command of their own."""
CARDS = {kind.card.name: kind.card for kind in (Idle, Random, Expert, Human)}
