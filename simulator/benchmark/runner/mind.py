"""``Mind``: an episode's way to its policy, in this process or in another one."""

from __future__ import annotations

import queue
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.policies.answers import checked_answer
from nitropilot.simulator.benchmark.policies.errors import CRASHED, PolicyFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.card import Card
    from nitropilot.simulator.benchmark.policies.orphans import Pipes
    from nitropilot.simulator.benchmark.policies.player import Look, Player

LOOK_S = 0.5
"""How often to say that it is the policy that is waited for."""


class Mind(ABC):
    """One question at a time.

    Attributes:
        card: The policy's.
        seconds: From each question to its answer.
    """

    def __init__(self, card: Card) -> None:
        self.card = card
        self.seconds: list[float] = []

    @abstractmethod
    def begin(self, info: dict[str, Any]) -> None:
        """An episode begins.

        Raises:
            PolicyFailed: It failed.
        """

    @abstractmethod
    def ask(self, look: Look) -> None:
        """Ask for actions; ``answer`` has them."""

    @abstractmethod
    def answer(self, until: float | None = None) -> Actions | None:
        """What it answers to the last question.

        Args:
            until: When to give up waiting, in seconds of ``time.perf_counter``; None: never.

        Returns:
            ``T x 20``; None where there is no answer yet.

        Raises:
            PolicyFailed: It failed.
        """

    def decide(self, look: Look) -> Actions:
        """Ask, and wait for the answer."""
        self.ask(look)
        answer = self.answer()
        assert answer is not None
        return answer


class NearMind(Mind):
    """A player in this process, which answers at once."""

    def __init__(self, player: Player) -> None:
        super().__init__(player.card)
        self._player = player
        self._answer: Actions | None = None

    def begin(self, info: dict[str, Any]) -> None:
        """An episode begins."""
        self._player.begin(info)

    def ask(self, look: Look) -> None:
        """Decide."""
        began = time.perf_counter()
        self._answer = self._player.decide(look)
        self.seconds.append(time.perf_counter() - began)

    def answer(self, until: float | None = None) -> Actions | None:
        """What was decided."""
        answer, self._answer = self._answer, None
        return answer


class FarMind(Mind):
    """A policy in a process of its own, which the referee passes questions on to.

    Args:
        card: The policy's.
        pipes: To the referee.
        alive: Told while the policy is waited for: it is not the game that hangs.
    """

    def __init__(self, card: Card, pipes: Pipes, alive: Callable[[], None]) -> None:
        super().__init__(card)
        self._pipes, self._alive = pipes, alive
        self._asked = 0.0

    def begin(self, info: dict[str, Any]) -> None:
        """Tell it, and wait until it has heard."""
        self._pipes.send({"ask": {"begin": info}})
        self._hear(None)

    def ask(self, look: Look) -> None:
        """Send the picture."""
        self._asked = time.perf_counter()
        question = {"picture": look.picture, "info": look.info, "tick": look.tick}
        self._pipes.send({"ask": question})

    def answer(self, until: float | None = None) -> Actions | None:
        """What has come."""
        said = self._hear(until)
        if said is None:
            return None
        self.seconds.append(time.perf_counter() - self._asked)
        return checked_answer(said.get("actions"))

    def _hear(self, until: float | None) -> dict[str, Any] | None:
        while True:
            left = LOOK_S if until is None else min(until - time.perf_counter(), LOOK_S)
            try:
                said = self._pipes.receive(max(left, 0.0))
                break
            except queue.Empty:
                self._alive()
                if until is not None and time.perf_counter() >= until:
                    return None
        if said is None:
            raise KeyboardInterrupt  # nobody wants to know how it goes on
        if "error" in said:
            error = said["error"]
            text = "; ".join(filter(None, (error["message"], error["hint"])))
            raise PolicyFailed(error.get("how", CRASHED), text)
        return said
