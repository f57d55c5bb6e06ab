"""The routes of recordings.  What a window showed is the user's own: only admin may see it."""

from __future__ import annotations

import mimetypes
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse
from pydantic import ConfigDict, Field, ValidationError

from nitropilot.server.api.routes import Registry
from nitropilot.server.auth.identity import Scope
from nitropilot.server.auth.scopes import ScopedRoute, admin_only, allow
from nitropilot.server.schemas.models import Model, SessionModel
from nitropilot.server.schemas.views import session_model
from nitropilot.server.store.recordings import Recording, RecordingStore
from nitropilot.texts import shown

router = APIRouter(prefix="/api/v1", route_class=ScopedRoute)

KINDS = {".mp4": "video/mp4", ".json": "application/json"}


class RecordingRequest(Model):
    """Whether a session is to be recorded."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}]})

    enabled: bool = Field(description="true starts a recording, false ends and completes it")


class RecordedFileModel(Model):
    """A file of a recording."""

    name: str = Field(description="As in /recordings/{id}/files/{name}")
    size: int = Field(description="Bytes")


class RecordingModel(Model):
    """A recording."""

    id: str
    complete: bool = Field(description="false while it is being made")
    session: str
    game: str = Field(description="The game's executable")
    policy: str | None
    policy_random: bool | None = Field(description="Whether the policy was never trained")
    started: str
    ended: str | None
    seconds: float | None = Field(description="Playing time of the video")
    frames: int | None = Field(description="Video frames; there are as many rows")
    repeated: int | None = Field(description="Frames that show the picture before them again")
    fps: float
    resolution: tuple[int, int] | None = Field(description="Height and width")
    chunks: int | None = Field(description="Folders with 20 s of actions each")
    mended: bool = Field(description="Whether its program was killed and it was made whole again")
    reason: str = Field(description="Why it ended")
    size: int = Field(description="Bytes on the disk")


class RecordingDetail(RecordingModel):
    """A recording and its files."""

    files: tuple[RecordedFileModel, ...]


class RecordingsAnswer(Model):
    """All recordings and the room that they take."""

    folder: str
    total_size: int = Field(description="Bytes of all of them")
    keep_free: int = Field(description="Bytes of the disk that a recording leaves free")
    max_total: int | None = Field(description="Bytes that all may take; null for any number")
    recordings: tuple[RecordingModel, ...]


class MendAnswer(Model):
    """Recordings that were cut off and are complete now."""

    mended: tuple[str, ...] = Field(description="Their ids")


async def the_store(registry: Registry) -> RecordingStore:
    """The daemon's recordings."""
    return registry.recordings


Store = Annotated[RecordingStore, Depends(the_store)]


@router.post("/sessions/{session_id}/recording")
@allow(Scope.DECK)
def record(session_id: str, wanted: RecordingRequest, registry: Registry) -> SessionModel:
    """Start or end a recording.  Saying it twice changes nothing."""
    session = registry.steer(
        session_id, lambda one: one.recording.start() if wanted.enabled else one.recording.stop()
    )
    return session_model(session)


@router.get("/recordings")
@admin_only
def list_recordings(store: Store) -> RecordingsAnswer:
    """All recordings, the oldest first."""
    found = [_model(recording) for recording in store.all()]
    limits = store.limits()
    return RecordingsAnswer(
        folder=shown(store.root),
        total_size=sum(each.size for each in found),
        keep_free=limits.keep_free,
        max_total=limits.max_total,
        recordings=tuple(found),
    )


@router.post("/recordings/mend")
@admin_only
def mend_recordings(store: Store) -> MendAnswer:
    """Make whole what a killed program left, and finish deletions that were cut off.

    The daemon does so when it starts.  What had recorded less than a second is removed.
    """
    return MendAnswer(mended=tuple(store.recover()))


@router.get("/recordings/{recording_id}")
@admin_only
def get_recording(recording_id: str, store: Store) -> RecordingDetail:
    """One recording and its files."""
    recording = store.get(recording_id)
    files = tuple(RecordedFileModel(name=f.name, size=f.size) for f in recording.files())
    return RecordingDetail(**_model(recording).model_dump(), files=files)


@router.get(
    "/recordings/{recording_id}/files/{name:path}",
    response_class=FileResponse,
    responses={
        200: {"content": {"application/octet-stream": {}}},
        206: {"description": "A part of it, as the Range header asks"},
    },
)
@admin_only
def get_file(recording_id: str, name: str, store: Store) -> FileResponse:
    """A file of a recording; ranges are answered, so a browser can jump about in a video."""
    file = store.file(recording_id, name)
    kind = KINDS.get(file.path.suffix) or mimetypes.guess_type(name)[0]
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(file.path, media_type=kind or "application/octet-stream", headers=headers)


@router.delete("/recordings/{recording_id}", status_code=204)
@admin_only
def delete_recording(recording_id: str, store: Store) -> Response:
    """Remove a recording and its files, for ever."""
    store.delete(recording_id)
    return Response(status_code=204)


def _model(recording: Recording) -> RecordingModel:
    """A recording as the API shows it, even if somebody has spoiled its facts."""
    if recording.damage:
        return _described(recording, {"reason": shown(recording.damage)})
    try:
        return _described(recording, recording.facts)
    except (ValidationError, TypeError, LookupError, AttributeError):
        return _described(recording, {"reason": "its recording.json is damaged"})


def _described(recording: Recording, facts: dict[str, Any]) -> RecordingModel:
    policy = facts.get("policy") or {}
    size = facts.get("resolution")
    return RecordingModel(
        id=recording.id,
        complete=recording.complete,
        session=str(facts.get("session", "")),
        game=str(facts.get("game", "")),
        policy=policy.get("name"),
        policy_random=policy.get("random"),
        started=str(facts.get("started", "")),
        ended=facts.get("ended"),
        seconds=facts.get("seconds"),
        frames=facts.get("frames"),
        repeated=facts.get("repeated"),
        fps=facts.get("fps", 0.0),
        resolution=(size[0], size[1]) if size else None,
        chunks=facts.get("chunks"),
        mended=bool(facts.get("mended")),
        reason=str(facts.get("reason", "")),
        size=recording.size,
    )
