"""``TakeoverSettings``: how a human takes a game over with a pad of their own."""

from __future__ import annotations

from dataclasses import dataclass

from nitropilot.agent.errors import AgentError

MAX_IDLE_S = 3600.0


@dataclass(frozen=True)
class TakeoverSettings:
    """How a human takes over with a pad of their own.

    Attributes:
        pad: Whether touching a physical pad does it.
        idle_seconds: The agent plays again when the pad was left alone for so long;
            None: only on request.
    """

    pad: bool = True
    idle_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.idle_seconds is not None and not 0 < self.idle_seconds <= MAX_IDLE_S:
            raise AgentError(
                f"idle_seconds is {self.idle_seconds}", f"use more than 0, up to {MAX_IDLE_S:g}"
            )
