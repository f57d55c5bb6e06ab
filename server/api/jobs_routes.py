"""``/api/v1/jobs``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from nitropilot.server.api.routes import Registry
from nitropilot.server.auth.scopes import ScopedRoute, admin_only
from nitropilot.server.jobs.job_kinds import JobRequest
from nitropilot.server.schemas.models import ErrorBody, Model
from nitropilot.server.store.policies import models_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nitropilot.server.jobs.jobs import Job

router = APIRouter(prefix="/api/v1/jobs", route_class=ScopedRoute)

EXAMPLES: list[Any] = [
    {"kind": "pull", "name": "nvidia/NitroGen"},
    {"kind": "build", "policy": "random:tiny", "engine": "openvino"},
    {"kind": "improve", "game": "maze", "learn": "corrections", "estimate": True},
]


class JobModel(Model):
    """A job as it is now."""

    id: str
    kind: str
    request: dict[str, Any] = Field(description="What was asked for")
    state: str = Field(description="running, done, failed or cancelled")
    step: str = Field(description="What is being done")
    fraction: float = Field(description="How much of all is done, from 0 to 1")
    created: datetime
    ended: datetime | None
    result: dict[str, Any] | None
    error: ErrorBody | None


@router.post("", status_code=201)
@admin_only
def start_job(
    wanted: Annotated[JobRequest, Body(examples=EXAMPLES)], registry: Registry
) -> JobModel:
    """Begin long work: fetch a checkpoint, compile one, or improve one."""
    models = models_folder(registry.settings.current)
    return job_model(registry.jobs.start(wanted, models, registry.recordings.root))


@router.get("")
@admin_only
def list_jobs(registry: Registry) -> list[JobModel]:
    """All jobs, the oldest first."""
    return [job_model(job) for job in registry.jobs.all()]


@router.get("/{job_id}")
@admin_only
def get_job(job_id: str, registry: Registry) -> JobModel:
    """One job as it is now."""
    return job_model(registry.jobs.get(job_id))


@router.get(
    "/{job_id}/progress",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "One job a line"}},
)
@admin_only
def get_progress(job_id: str, registry: Registry) -> StreamingResponse:
    """The job as a line of JSON at every change, up to its end."""
    return StreamingResponse(_lines(registry.jobs.get(job_id)), media_type="application/x-ndjson")


@router.delete("/{job_id}", status_code=204)
@admin_only
def cancel_job(job_id: str, registry: Registry) -> Response:
    """End a job; a pull goes on where it was when it is asked for again."""
    registry.jobs.cancel(job_id)
    return Response(status_code=204)


def job_model(job: Job) -> JobModel:
    """A job as the API shows it."""
    now = job.now
    return JobModel(
        id=job.id,
        kind=job.request.kind,
        request=job.request.model_dump(mode="json", exclude={"kind"}),
        state=now.state,
        step=now.step,
        fraction=now.fraction,
        created=job.created,
        ended=now.ended,
        result=now.result,
        error=ErrorBody(**now.error) if now.error else None,
    )


async def _lines(job: Job) -> AsyncIterator[str]:
    async for _ in job.watch():
        yield job_model(job).model_dump_json() + "\n"
