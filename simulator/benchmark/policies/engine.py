"""``EnginePlayer``: a checkpoint, or a NitroPilot policy server, decided with as ``play`` does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.play.deciding import Decider
from nitropilot.agent.play.settings import USUAL_HZ, PlaySettings
from nitropilot.capture.frame import Frame
from nitropilot.policy.actions import decode
from nitropilot.simulator.benchmark.policies.answers import checked_answer
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.player import Player
from nitropilot.simulator.environments.actions import actions_of

if TYPE_CHECKING:
    from nitropilot.engines.base import Engine
    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.policies.player import Look

AGAIN_S = 0.25
"""A server that is gone is asked again after so long, until the time for a decision is over."""


class EnginePlayer(Player):
    """Asks an engine.

    Args:
        entry: What was entered.
        engine: Ready to run; closed with this player.

    Raises:
        EntryError: It acts at a rate that no environment has.
    """

    def __init__(self, entry: Entry, engine: Engine) -> None:
        self._engine, spec, info = engine, engine.spec, engine.info
        self.card = Card(
            entry.name,
            entry.kind,
            spec.fingerprint,
            shift=spec.action_shift,
            spacing=spec.frame_spacing,
            hz=spec.action_hz or USUAL_HZ,
            random=spec.is_random,
            games=spec.trained_on,
            actions=spec.actions,
            steps=spec.steps,
            runs=f"{info.name} on {info.device}",
            precision=info.precision,
        )
        self._episode = 0
        engine.warm_up()

    def begin(self, info: dict[str, Any]) -> None:
        """Forget all frames, and draw the noise from the episode's seed."""
        self._decider = Decider(self._engine, PlaySettings(seed=info["seed"]))
        self._episode += 1

    def decide(self, look: Look) -> Actions:
        """A chunk; the game stands still, or plays on, while a server is waited for."""
        frame = Frame(look.picture, time.perf_counter())
        while True:
            try:
                decision = self._decider.decide(frame, self._episode, look.tick)
            except NothingToSee:
                time.sleep(AGAIN_S)
                continue
            break
        decoded = decode(decision.chunk.actions, old_layout=self._engine.spec.old_layout)
        return checked_answer(actions_of(decoded))

    def close(self) -> None:
        """Free the weights."""
        self._engine.close()
