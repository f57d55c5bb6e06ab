"""``PlaySettings``: how a game is to be played."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from nitropilot.agent.errors import AgentError
from nitropilot.agent.pad.guards import CONTROLS
from nitropilot.controller.state import NO_BUTTONS, Button

MAX_HZ = 1000.0


class Mode(StrEnum):
    """What the game does while the policy computes.

    ``paused`` freezes it, ``realtime`` lets it run on while the chunk before is played,
    ``auto`` measures the engine and takes one of the two (``agent.play.modes``).
    """

    PAUSED = "paused"
    REALTIME = "realtime"
    AUTO = "auto"


@dataclass(frozen=True)
class PlaySettings:
    """How to play.

    Attributes:
        action_hz: Actions a second.
        actions_per_chunk: How many actions of a chunk are played before the next
            inference.  None: all of them in paused mode, a quarter in real-time mode.
        allowed: Menu buttons that the player allows.
        game: Name of a game the policy is conditioned on.
        cfg_scale: Classifier-free guidance; 1 switches it off.
        seed: Seed of the noise; None draws a fresh one.
        mode: What the game does while the policy computes.
        controls: What of the pad the agent may use, from its first action on.
    """

    action_hz: float = 60.0
    actions_per_chunk: int | None = None
    allowed: Button = NO_BUTTONS
    game: str | None = None
    cfg_scale: float = 1.0
    seed: int | None = None
    mode: Mode = Mode.PAUSED
    controls: tuple[str, ...] = CONTROLS

    def __post_init__(self) -> None:
        if not 0 < self.action_hz <= MAX_HZ:
            raise AgentError(f"action_hz is {self.action_hz}", f"use 1 to {MAX_HZ:g}")
        if self.actions_per_chunk is not None and self.actions_per_chunk < 1:
            raise AgentError(f"actions_per_chunk is {self.actions_per_chunk}", "use 1 or more")
        if not math.isfinite(self.cfg_scale):
            raise AgentError(f"cfg_scale is {self.cfg_scale}", "use a number; 1 is off")
        if self.mode not in list(Mode):
            raise AgentError(f"mode is {self.mode!r}", f"use {', '.join(Mode)}")

    def played(self, horizon: int) -> int:
        """How many actions of a chunk of ``horizon`` are meant to be played."""
        return min(self.actions_per_chunk or horizon, horizon)
