"""From an entry to a player, in the process that is to play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.policies.errors import EntryError

if TYPE_CHECKING:
    from nitropilot.engines import Engine
    from nitropilot.policy.euler import Steps
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.policies.player import Player


@dataclass(frozen=True)
class Means:
    """What policies run on; of checkpoints and servers alone.

    Attributes:
        engine, device, precision: See ``engines.Wish``.
        token: What a policy server asks for.
        steps: Euler steps of checkpoints, or ``auto``; None: as each says.
        actions: How many actions of an answer are played; None: as each says, or all.
        realtime: Whether the game goes on meanwhile; both matter to ``auto`` alone.
    """

    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    token: str = ""
    steps: Steps | None = None
    actions: int | None = None
    realtime: bool = False


def open_player(entry: Entry, means: Means) -> Player:
    """Load it.

    Raises:
        NitroPilotError: It cannot be loaded.
    """
    if entry.kind == "callable":
        from nitropilot.simulator.benchmark.policies.function import FunctionPlayer

        return FunctionPlayer(entry)
    if entry.kind == "server":
        from nitropilot.simulator.benchmark.policies.server import open_server

        return open_server(entry, means.token)
    if entry.kind == "checkpoint":
        from nitropilot.agent.play.settings import Mode, PlaySettings
        from nitropilot.agent.session.steps import open_with_steps
        from nitropilot.engines import load_engine
        from nitropilot.simulator.benchmark.policies.engine import EnginePlayer

        def opened(steps: int | None) -> Engine:
            return load_engine(
                entry.place, engine=means.engine, device=means.device,
                precision=means.precision, steps=steps,
            )  # fmt: skip

        mode = Mode.REALTIME if means.realtime else Mode.PAUSED
        settings = PlaySettings(actions_per_chunk=means.actions, mode=mode)
        return EnginePlayer(entry, open_with_steps(opened, means.steps, entry.place, settings))
    raise EntryError(f"{entry.name} plays in the episode's own process")
