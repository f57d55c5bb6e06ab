"""The options of ``nitropilot train`` and ``finetune``: every field of the configuration, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from nitropilot.server.options.fields import Flag
from nitropilot.training.trainer.config import FINETUNE, SECTIONS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Common(BaseModel):
    """What is no field of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    out: str = Field(default="", description="Where to write")
    config: str | None = Field(
        default=None, description="A TOML file with any of these options; docs/training.md"
    )
    dry_run: bool = Field(
        default=False, description="Say how much memory a step would take, and do nothing"
    )
    as_json: Annotated[bool, Flag(names=("--json",))] = Field(
        default=False, description="Print one JSON object on stdout"
    )

    def given(self) -> dict[str, Any]:
        """The fields of the configuration that were given."""
        values = self.model_dump(exclude=set(Common.model_fields))
        return {name: value for name, value in values.items() if value is not None}


def _fields(**changed: Any) -> dict[str, Any]:
    """All fields of the configuration, and that none of them was given.

    Args:
        changed: Defaults that their help names in place of their own.
    """
    found: dict[str, Any] = {}
    for section in SECTIONS.values():
        for name, field in section.model_fields.items():
            default = changed.get(name, field.default)
            words = "" if default in (None, (), "", False) else f" (default: {default})"
            description = f"{field.description}{words}"
            found[name] = (_optional(field), Field(default=None, description=description))
    return found


def _optional(field: FieldInfo) -> Any:
    """The type of a field that may be left out."""
    kind: Any = field.annotation
    return (Annotated[(kind, *field.metadata)] if field.metadata else kind) | None


TrainOptions = create_model("TrainOptions", __base__=Common, **_fields())
FinetuneOptions = create_model(
    "FinetuneOptions",
    __base__=Common,
    **_fields(**FINETUNE),
)
