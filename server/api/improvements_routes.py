"""``/api/v1/improvements``: which policy plays each game, what is offered, one step back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from nitropilot.server.api.routes import Registry
from nitropilot.server.auth.scopes import ScopedRoute, admin_only
from nitropilot.server.improving.history import HistoryStore
from nitropilot.server.improving.known import Candidate
from nitropilot.server.improving.status import recordings_in, status, update
from nitropilot.server.schemas.models import Model

if TYPE_CHECKING:
    from nitropilot.server.improving.known import History

router = APIRouter(prefix="/api/v1/improvements", route_class=ScopedRoute)


class GameRequest(Model):
    """Which game is meant."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"game": "maze"}]})

    game: str = Field(min_length=1, max_length=300, description="As its recordings name it")


class PlayedModel(Model):
    """How a game went with one policy, over all of its recordings."""

    policy: str | None = Field(description="Its file; null for one that was not improved here")
    fingerprint: str
    minutes: float = Field(description="That it played")
    takeovers: int
    per_minute: float
    low: float | None = Field(description="Of the 95 % interval; null without SciPy")
    high: float | None
    text: str


class AcceptRequest(GameRequest):
    """Which policy is to play it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"game": "maze", "offer": None}]})

    offer: str | None = Field(
        default=None, min_length=1, max_length=64, description="Its id; null: the newest"
    )


class OfferModel(Candidate):
    """A policy that may be accepted."""

    id: str = Field(description="By which it is accepted")


class ImprovementModel(Model):
    """What is known of one game."""

    game: str
    used: str | None = Field(description="The policy that plays it; null where none was accepted")
    previous: str | None = Field(description="The one before; null for nothing to go back to")
    offered: str | None = Field(description="The newest that may be accepted")
    offers: tuple[OfferModel, ...] = Field(description="All that may be, the newest first")
    candidates: tuple[Candidate, ...]
    played: tuple[PlayedModel, ...]
    proposal: str = Field(description="What to do with what is offered, and why")


@router.get("")
@admin_only
def list_improvements() -> list[ImprovementModel]:
    """Every game for which a policy was improved."""
    return _models(HistoryStore().read())


@router.post("/count")
@admin_only
def count_takeovers(registry: Registry) -> list[ImprovementModel]:
    """Count the recordings that have not been counted yet, and say what is proposed."""
    return _models(update(HistoryStore(), recordings_in(registry.recordings.root)))


@router.post("/accept")
@admin_only
def accept(wanted: AcceptRequest) -> list[ImprovementModel]:
    """Let an offered policy play a game."""
    return _models(HistoryStore().accept(wanted.game, wanted.offer))


@router.post("/back")
@admin_only
def back(wanted: GameRequest) -> list[ImprovementModel]:
    """Let the policy of before play a game again."""
    return _models(HistoryStore().back(wanted.game))


def _models(history: History) -> list[ImprovementModel]:
    return [ImprovementModel.model_validate(each, strict=False) for each in status(history)]
