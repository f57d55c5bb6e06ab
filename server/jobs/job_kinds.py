"""What jobs can be asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, field_validator

from nitropilot.server.errors import PullFailed
from nitropilot.server.jobs.pulling import check_name
from nitropilot.server.options.fields import A_LIST
from nitropilot.server.schemas.models import Model

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
            check_name(name)
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


JobRequest = Annotated[PullRequest | BuildRequest, Field(discriminator="kind")]

_adapter: TypeAdapter[PullRequest | BuildRequest] = TypeAdapter(JobRequest)


def parse_request(values: Any) -> PullRequest | BuildRequest:
    """A request from JSON."""
    return _adapter.validate_python(values)
