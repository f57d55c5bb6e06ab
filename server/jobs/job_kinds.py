"""What jobs can be asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, field_validator

from nitropilot.records.format import ID
from nitropilot.server.errors import PullFailed
from nitropilot.server.jobs.hub import check_name
from nitropilot.server.options.fields import A_LIST
from nitropilot.server.schemas.models import Model

RecordingId = Annotated[str, Field(pattern=f"^{ID.pattern}$")]
Target = Annotated[str, Field(pattern=r"^(sm[0-9]{2,3}|current)$")]


class PullRequest(Model):
    """Fetch a checkpoint from the hub."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "pull", "name": "nvidia/NitroGen"}]}
    )

    kind: Literal["pull"]
    name: str = Field(max_length=300, description="namespace/name[@revision]")

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        try:
            check_name(name, PullFailed)
        except PullFailed as error:
            raise ValueError(error.line()) from None
        return name


class BuildRequest(Model):
    """Compile a policy for an engine, into this machine's cache."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "build", "policy": "random:tiny", "engine": "openvino"}]
        }
    )

    kind: Literal["build"]
    policy: str = Field(min_length=1, max_length=4096, description="Checkpoint, or random:tiny")
    engine: Literal["openvino", "tensorrt", "torch"]
    precision: Literal["auto", "float32", "bfloat16", "int8", "fp8"] = "auto"
    device: Literal["auto", "cpu", "gpu", "npu"] = Field("auto", description="Of openvino")
    targets: Annotated[tuple[Target, ...], A_LIST] = Field(
        (), max_length=16, description="Of tensorrt: such as sm89"
    )


class ImproveRequest(Model):
    """Let the policy of a game learn from recordings, and compare it with what it was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "improve", "game": "maze", "learn": "corrections"}]
        }
    )

    kind: Literal["improve"]
    game: str = Field(min_length=1, max_length=300, description="As its recordings name it")
    learn: Literal["corrections", "recordings"] = Field(
        "corrections", description="From recordings in which you took over, or from all"
    )
    recordings: Annotated[tuple[RecordingId, ...], A_LIST] = Field(
        (), max_length=1000, description="Their ids; none: all of that game"
    )
    policy: str | None = Field(
        None, min_length=1, max_length=4096, description="To start from; null: what plays it now"
    )
    play: str | None = Field(
        None, min_length=1, max_length=100, description="Game of the arcade to compare in"
    )
    minutes: float = Field(20.0, gt=0, le=10_000, description="Of training")
    steps: int | None = Field(None, ge=1, le=10**9, description="Of training, not minutes")
    limit_minutes: float = Field(180.0, gt=0, le=10_000, description="Most that all of it may take")
    corrections: float = Field(
        2.0, gt=0, le=100, description="How much your rows count where you took over"
    )
    levels: int = Field(30, ge=1, le=10_000, description="Of each task, to compare")
    batch_size: int = Field(32, ge=1, le=65536, description="Samples a step")
    hz: float | None = Field(
        None, gt=0, le=1000, description="Rows a second that other recordings are resampled to"
    )
    estimate: bool = Field(False, description="Say how long it would take, and no more")


JobWish = PullRequest | BuildRequest | ImproveRequest
JobRequest = Annotated[JobWish, Field(discriminator="kind")]

_adapter: TypeAdapter[JobWish] = TypeAdapter(JobRequest)


def parse_request(values: Any) -> JobWish:
    """A request from JSON."""
    return _adapter.validate_python(values)
