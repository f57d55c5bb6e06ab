"""What this machine has: ``doctor``, ``engines`` and ``policies``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from nitropilot.engines.chooser import backends, engine_reports
from nitropilot.server.api.routes import Registry
from nitropilot.server.auth.identity import Scope
from nitropilot.server.auth.scopes import ScopedRoute, admin_only, allow
from nitropilot.server.host.doctor import can_play, examine
from nitropilot.server.http.lanes import Lane
from nitropilot.server.schemas.models import Model
from nitropilot.server.store.policies import models_folder
from nitropilot.texts import shown
from nitropilot.version import __version__

router = APIRouter(prefix="/api/v1", route_class=ScopedRoute)
DOCTOR = Lane("the doctor", threads=1, waiting=2)


class FindingModel(Model):
    """The result of one check."""

    name: str
    level: str = Field(description="ok, note, or problem for what stops play")
    detail: str
    hint: str


class DoctorAnswer(Model):
    """What ``nitropilot doctor`` says."""

    version: str
    ready: bool = Field(description="Whether nothing found stops play")
    checks: tuple[FindingModel, ...]


class EngineReportModel(Model):
    """One way to run a policy."""

    name: str
    engine: str
    device: str
    available: bool
    automatic: bool = Field(description="Whether auto considers it")
    reason: str
    hint: str


class EnginesAnswer(Model):
    """Every way to run a policy, the fastest first."""

    auto: str | None = Field(description="What auto takes")
    engines: tuple[EngineReportModel, ...]


class KnownPolicyModel(Model):
    """A policy that could be played with."""

    name: str = Field(description="What to give as policy")
    place: str = Field(description="shipped, models, hub or random")
    loaded: bool
    size: int | None = Field(description="Bytes")
    facts: dict[str, Any] | None = Field(description="As nitropilot policies inspect says")
    error: str = Field(description='Why it cannot be used, or ""')


class PoliciesAnswer(Model):
    """The policies at hand."""

    default: str
    folder: str = Field(description="Where checkpoints of yours are looked for")
    policies: tuple[KnownPolicyModel, ...]


class PolicyReloadAnswer(Model):
    """Policies that the next session loads anew."""

    reloaded: tuple[str, ...]


@router.post("/doctor")
@admin_only
@DOCTOR.way
def doctor() -> DoctorAnswer:
    """Check this machine, as ``nitropilot doctor`` does; a little game shows for some seconds.

    One at a time, and two may wait.
    """
    findings = examine()
    checks = tuple(FindingModel(**finding.as_dict()) for finding in findings)
    return DoctorAnswer(version=__version__, ready=can_play(findings), checks=checks)


@router.get("/engines")
@allow(Scope.DECK, Scope.OVERLAY)
def engines() -> EnginesAnswer:
    """Every way to run a policy, and why it works here or not."""
    pairs = list(zip(backends(), engine_reports(), strict=True))
    auto = next((b.label for b, r in pairs if b.automatic and r.available), None)
    rows = [
        EngineReportModel(
            engine=backend.engine, device=backend.device, automatic=backend.automatic,
            **asdict(report),
        )
        for backend, report in pairs
    ]  # fmt: skip
    return EnginesAnswer(auto=auto, engines=tuple(rows))


@router.get("/policies")
@admin_only
def policies(registry: Registry) -> PoliciesAnswer:
    """Checkpoints of the models folder and the hub's cache, and random ones."""
    folder = models_folder(registry.settings.current)
    loaded = set(registry.pool.loaded())
    found = registry.policies.all(folder)
    return PoliciesAnswer(
        default=registry.pool.default,
        folder=shown(folder),
        policies=tuple(KnownPolicyModel(**vars(p), loaded=p.name in loaded) for p in found),
    )


@router.post("/policies/reload")
@admin_only
def reload_policies(registry: Registry) -> PolicyReloadAnswer:
    """Have the next sessions load their policies anew; those that play go on."""
    return PolicyReloadAnswer(reloaded=tuple(registry.pool.reload()))
