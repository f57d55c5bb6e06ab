"""From a model of options to a command of Typer: one option a field.

    app.command()(from_model(play, PlayOptions))

lets ``play`` take one ``PlayOptions``.
"""

from __future__ import annotations

import inspect
from enum import Enum, StrEnum
from functools import reduce
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import typer
from pydantic import BaseModel, ValidationError

from nitropilot.server.options.fields import KEYBOARD, flag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo

Model = TypeVar("Model", bound=BaseModel)


def from_model(command: Callable[[Model], None], model: type[Model]) -> Callable[..., None]:
    """A command for Typer that takes a model's fields as its options.

    Args:
        command: Is given the checked model; its name and docstring are the command's.
        model: The options.
    """

    def run(**given: Any) -> None:
        command(read_options(model, given))

    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(model, name) for name in model.model_fields]
    )
    return run


def read_options(model: type[Model], given: dict[str, Any]) -> Model:
    """The options from what Typer has read; None is what was not given.

    Raises:
        BadParameter: The model refuses a value that Typer let pass.
        NitroPilotError: A field's own reader refuses its text.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        read = flag_of(model.model_fields[name]).read
        values[name] = read(value) if read else _plain(value)
    try:
        return model.model_validate(values, context=KEYBOARD)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise typer.BadParameter(first["msg"], param_hint=_flag_name(model, name)) from None


def _plain(value: Any) -> Any:
    """What models take of what Typer makes: words for its choices, tuples for its lists."""
    if isinstance(value, Enum):
        return value.value
    return tuple(_plain(each) for each in value) if isinstance(value, list) else value


def _flag_name(model: type[BaseModel], name: str) -> str | None:
    """What the user types for a field; None for what is wrong with several together."""
    if name not in model.model_fields:
        return None
    names = flag_of(model.model_fields[name]).names
    return names[0] if names else f"--{name.replace('_', '-')}"


def _parameter(model: type[BaseModel], name: str) -> inspect.Parameter:
    field = model.model_fields[name]
    flag = flag_of(field)
    kind, default = _typed_in(name, field)
    option = typer.Option(
        default, *flag.names, envvar=flag.env, help=flag.words(model, name),
        min=_limit(field, "ge"), max=_limit(field, "le"),
    )  # fmt: skip
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind)


def _typed_in(name: str, field: FieldInfo) -> tuple[Any, Any]:
    """What Typer is to make of the text that a user types for a field, and its default."""
    kind, optional = _without_none(field.annotation)
    default = field.get_default()
    if flag_of(field).read is not None:
        kind = str
    elif get_origin(kind) is Literal:
        words: Callable[..., Any] = StrEnum
        kind = words(name, {str(word): word for word in get_args(kind)})
        default = None if default is None else kind(default)
    elif get_origin(kind) is tuple:
        kind, optional, default = list[str], True, None
    return (kind | None if optional else kind), default


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """The bare type of a field, and whether it may be None."""
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    if get_origin(annotation) not in (Union, UnionType):
        return annotation, False
    kinds = [each for each in get_args(annotation) if each is not NoneType]
    return reduce(lambda a, b: a | b, (_without_none(each)[0] for each in kinds)), True


def _limit(field: FieldInfo, kind: str) -> float | None:
    """A bound of a number that counts at the keyboard too."""
    found = (getattr(each, kind, None) for each in _metadata(field))
    return next((each for each in found if each is not None), None)


def _metadata(field: FieldInfo) -> Iterator[Any]:
    """Of the field, and of its type beside None."""
    yield from field.metadata
    for part in get_args(field.annotation):
        if get_origin(part) is Annotated:
            for each in get_args(part)[1:]:
                yield from getattr(each, "metadata", [])
