"""``/api/v1/settings``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import Field

from nitropilot.server.api.routes import Registry
from nitropilot.server.auth.scopes import ScopedRoute, admin_only
from nitropilot.server.errors import SettingsInvalid
from nitropilot.server.schemas.models import Model
from nitropilot.server.store.settings import Settings
from nitropilot.server.store.settings_store import SettingsStore
from nitropilot.texts import shown

router = APIRouter(prefix="/api/v1/settings", route_class=ScopedRoute)


class SettingsAnswer(Model):
    """The settings that count now."""

    settings: Settings
    overridden: tuple[str, ...] = Field(
        description="Settings that the command line decides for as long as the daemon runs"
    )
    file: str = Field(description="Where they are kept")


class ReloadAnswer(SettingsAnswer):
    """The settings after their file was read again."""

    taken: bool = Field(description="false if the file has a mistake; the log says which")


@router.get("")
@admin_only
def get_settings(registry: Registry) -> SettingsAnswer:
    """All settings."""
    return SettingsAnswer(**_answer(registry.settings))


@router.patch("")
@admin_only
def change_settings(
    registry: Registry,
    changes: Annotated[
        dict[str, dict[str, Any]],
        Body(
            description="Values by section and name",
            examples=[{"play": {"mode": "realtime"}, "recording": {"keep_free_gb": 5}}],
        ),
    ],
) -> SettingsAnswer:
    """Change some settings; they count at once, and are kept.

    Null sets a default back where it is no value itself.
    """
    named = {f"{part}.{name}" for part, values in changes.items() for name in values}
    if fixed := sorted(named & set(registry.settings.overridden)):
        raise SettingsInvalid(
            f"{fixed[0]} was given on the command line of this daemon",
            "change it there, or start the daemon without it",
        )
    registry.settings.change(changes)
    return SettingsAnswer(**_answer(registry.settings))


@router.post("/reload")
@admin_only
def reload_settings(registry: Registry) -> ReloadAnswer:
    """Read the file again, as SIGHUP does."""
    taken = registry.settings.reload()
    return ReloadAnswer(**_answer(registry.settings), taken=taken)


def _answer(store: SettingsStore) -> dict[str, Any]:
    return {
        "settings": store.current,
        "overridden": tuple(store.overridden),
        "file": shown(store.path),
    }
