"""What a field of options knows beside its type: its words, its flag, who is held to its limits.

An option is one field of one pydantic model. The command line, the API, the settings and their
page are all made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Strict, TypeAdapter
from pydantic_core import core_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import (
        GetCoreSchemaHandler,
        GetJsonSchemaHandler,
        ValidationInfo,
        ValidatorFunctionWrapHandler,
    )
    from pydantic.fields import FieldInfo
    from pydantic.json_schema import JsonSchemaValue

KEYBOARD = "keyboard"
"""The validation context of values that a person gave on the command line."""


A_LIST = Strict(False)
"""Metadata of a tuple: JSON has lists alone."""


class Options(BaseModel):
    """Base of every group of options: no other names, no other values, no other types.

    Where true or false is asked for, 0 is neither, and "5" is no number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


@dataclass(frozen=True)
class Outside:
    """Metadata: what a value must be unless it comes from the command line.

    What comes over the network or from a file is checked before anything is touched. The person
    at the keyboard may go further, and hears from the room that takes the value what it takes.

    Attributes:
        kind: The stricter type, which schemas show.
    """

    kind: Any

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """The type's own check for the keyboard, the stricter one for all others."""
        stricter: TypeAdapter[Any] = TypeAdapter(self.kind, config=ConfigDict(strict=True))

        def check(value: Any, own: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
            return own(value) if info.context == KEYBOARD else stricter.validate_python(value)

        return core_schema.with_info_wrap_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Schemas are for those outside."""
        stricter: TypeAdapter[Any] = TypeAdapter(self.kind)
        return handler(stricter.core_schema)


@dataclass(frozen=True, kw_only=True)
class Flag:
    """Metadata: how the command line takes a field, where that does not follow from the field.

    Attributes:
        names: Its flags; default: made of the field's name.
        env: Environment variable that stands for it.
        help: Its words in the help; default: the field's description. ``{takes}`` becomes what
            the field takes.
        read: Makes the field's value from the text; default: the field's type does.
    """

    names: tuple[str, ...] = ()
    env: str | None = None
    help: str = ""
    read: Callable[[Any], Any] | None = None

    def words(self, model: type[BaseModel], name: str) -> str:
        """The help of a field."""
        text = self.help or f"{model.model_fields[name].description}."
        return text.replace("{takes}", takes(model, name)) if "{takes}" in text else text


def flag_of(field: FieldInfo) -> Flag:
    """How the command line takes a field."""
    return next((each for each in field.metadata if isinstance(each, Flag)), Flag())


def takes(model: type[BaseModel], name: str) -> str:
    """What a field takes, in words such as ``a number from 1 to 240``."""
    return _words(model.model_json_schema()["properties"][name])


def _words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_words(each) for each in schema["anyOf"])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return _listed([str(each) for each in schema["enum"]])
    if schema["type"] == "array":
        return f"a list of {_words(schema['items'])}"
    words = {
        "null": "null", "boolean": "true or false", "string": "a text",
        "number": "a number", "integer": "a whole number",
    }  # fmt: skip
    return words[schema["type"]] + _range(schema)


def _range(schema: dict[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high = schema.get("maximum")
    if above is not None:
        return f" above {above:g}" + ("" if high is None else f", at most {high:.9g}")
    start = "" if low is None else f" from {low:.9g}"
    return start + ("" if high is None else f" to {high:.9g}")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
