"""What the routes that steer sessions take and give."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from nitropilot.agent.session.takeover import MAX_IDLE_S
from nitropilot.server.options.play import Control, Controls
from nitropilot.server.schemas.models import Model, SessionModel

MenuButton = Literal["start", "back", "guide"]
Toggled = Literal["paused", "playing", "no session"]


class GuardRequest(Model):
    """Which controls the agent may use; all others stay at rest."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"controls": ["left_stick", "a", "b", "right_trigger"]}}
    )

    controls: Controls = Field(description="An empty list holds back everything")


class GuardAnswer(Model):
    """What the agent may use, and what was held back so far."""

    controls: tuple[Control, ...] = Field(description="Allowed by this list")
    menu_buttons: tuple[MenuButton, ...] = Field(
        description="Of start, back and guide, those the session was created with; a menu button "
        "passes only if it is in both lists"
    )
    held_back: dict[str, int] = Field(description="How often each control was held back")


class TakeoverModel(Model):
    """How a human takes the game over with a physical pad."""

    model_config = ConfigDict(json_schema_extra={"example": {"pad": True, "idle_seconds": 15}})

    pad: bool = Field(description="Touching a physical pad hands the game to the human")
    idle_seconds: float | None = Field(
        gt=0,
        le=MAX_IDLE_S,
        description="The agent plays again once the pad was left alone for so long; null: only "
        "on request",
    )


class ToggleAnswer(Model):
    """What toggling all sessions did, and how they are now."""

    done: Toggled
    sessions: tuple[SessionModel, ...]


class PanicAnswer(Model):
    """Every session after a panic: none of them plays."""

    sessions: tuple[SessionModel, ...]
    let_go: tuple[str, ...] = Field(
        description="Ids of those that played, that a human held, or that were attaching"
    )
    trouble: tuple[str, ...] = Field(description="What could not be let go, if anything")
