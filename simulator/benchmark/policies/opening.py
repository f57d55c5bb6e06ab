"""From an entry to a player, in the process that is to play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.policies.errors import EntryError

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.policies.player import Player


@dataclass(frozen=True)
class Means:
    """What policies run on; of checkpoints and servers alone.

    Attributes:
        engine, device, precision: See ``engines.Wish``.
        token: What a policy server asks for.
    """

    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    token: str = ""


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
        from nitropilot.engines import load_engine
        from nitropilot.simulator.benchmark.policies.engine import EnginePlayer

        engine = load_engine(
            entry.place, engine=means.engine, device=means.device, precision=means.precision
        )
        return EnginePlayer(entry, engine)
    raise EntryError(f"{entry.name} plays in the episode's own process")
