"""``PlaySettings``: how a game is to be played."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nitropilot.agent.errors import AgentError
from nitropilot.agent.pad.guards import CONTROLS
from nitropilot.controller.state import NO_BUTTONS, Button
from nitropilot.records.timeline import Timeline

if TYPE_CHECKING:
    from nitropilot.engines.base import PolicySpec

MAX_HZ = 1000.0
USUAL_HZ = 60.0
"""Where neither the player nor the policy says how many actions a second there are."""


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
        action_hz: Actions a second; None: as many as the policy was trained with, where it says
            so, else ``USUAL_HZ``.
        actions_per_chunk: How many actions of a chunk are played before the next
            inference.  None: as many as the policy says, where it does; else all of them in
            paused mode, a quarter in real-time mode.
        allowed: Menu buttons that the player allows.
        game: Name of a game the policy is conditioned on.
        cfg_scale: Classifier-free guidance; 1 switches it off.
        seed: Seed of the noise; None draws a fresh one.
        mode: What the game does while the policy computes.
        controls: What of the pad the agent may use, from its first action on.
        action_offset: Ticks by which every action comes later than the policy's own
            ``action_shift`` says; to find out whether that is right.
    """

    action_hz: float | None = None
    actions_per_chunk: int | None = None
    allowed: Button = NO_BUTTONS
    game: str | None = None
    cfg_scale: float = 1.0
    seed: int | None = None
    mode: Mode = Mode.PAUSED
    controls: tuple[str, ...] = CONTROLS
    action_offset: int = 0

    def __post_init__(self) -> None:
        if self.action_hz is not None and not 0 < self.action_hz <= MAX_HZ:
            raise AgentError(f"action_hz is {self.action_hz}", f"use 1 to {MAX_HZ:g}")
        if self.actions_per_chunk is not None and self.actions_per_chunk < 1:
            raise AgentError(f"actions_per_chunk is {self.actions_per_chunk}", "use 1 or more")
        if not math.isfinite(self.cfg_scale):
            raise AgentError(f"cfg_scale is {self.cfg_scale}", "use a number; 1 is off")
        if self.mode not in list(Mode):
            raise AgentError(f"mode is {self.mode!r}", f"use {', '.join(Mode)}")

    @property
    def hz(self) -> float:
        """Actions a second."""
        return USUAL_HZ if self.action_hz is None else self.action_hz

    def of(self, spec: PolicySpec) -> PlaySettings:
        """These, with what is left to the policy as it wants it.

        Raises:
            AgentError: With this offset none of its actions could be played.
        """
        timeline = self.timeline(spec)
        if timeline.stale >= spec.horizon:
            raise AgentError(
                f"action_offset is {self.action_offset}, and the policy's {spec.horizon} actions "
                f"begin {spec.action_shift} ticks after its frame: none could be played",
                f"use {1 - spec.action_shift - spec.horizon + 1} or more",
            )
        return replace(
            self,
            action_hz=spec.action_hz if self.action_hz is None else self.action_hz,
            actions_per_chunk=self.actions_per_chunk or spec.actions,
        )

    def timeline(self, spec: PolicySpec) -> Timeline:
        """What a policy's actions are for."""
        return Timeline(spec.action_shift + self.action_offset, spec.horizon, spec.frame_spacing)

    def played(self, spec: PolicySpec) -> int:
        """How many actions of a chunk are meant to be played."""
        most = spec.horizon - self.timeline(spec).stale
        return min(self.actions_per_chunk or most, most)
