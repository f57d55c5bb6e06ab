"""What all records of a result are: frozen, with no field that the format does not name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from nitropilot.texts import shown

T = TypeVar("T", bound="Model")

HZ = 60
"""Steps a second of game time."""


class Model(BaseModel):
    """Base of every record."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,  # a file has all fields
    )

    @classmethod
    def of_json(cls: type[T], text: str | bytes) -> T:
        """Read a record; nothing is taken for something else than it is.

        Raises:
            ValueError: It is no record of this kind; one line says where and why.
        """
        try:
            return cls.model_validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None


def plain(value: Any) -> Any:
    """A judge's values as JSON has them: tuples as lists, NumPy's numbers as numbers.

    What is no finite number is written as a text ("nan", "inf"), and what is no text in a text as
    U+FFFD: JSON has neither, and an episode must not be lost for it.

    Raises:
        ValueError: It is none of these.
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {shown(str(name)): plain(each) for name, each in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    raise ValueError(f"{type(value).__name__} is nothing that JSON has: {value!r}")


Facts = Annotated[dict[str, JsonValue], BeforeValidator(plain)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, hexadecimal")]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, BeforeValidator(plain)]
Name = Annotated[Text, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
