"""Files of a learned parser, each written beside its place and renamed.

FILE          the weights, once there are some that were tried: safetensors whose metadata has
              one entry, ``parser``: JSON with ``format``, ``shape`` and ``card``
FILE.md       the card, for people
FILE.state    what training goes on with; removed by nobody
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from nitropilot.dataset.errors import BadWeights, NotExtracted
from nitropilot.dataset.parsing.network import Parser
from nitropilot.dataset.parsing.shape import Shape
from nitropilot.records.format import PART

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

KEY = "parser"
FORMAT = 1
"""Of both files; another number is another network, or another layout."""
FIX = "name a file of `nitropilot dataset train-parser`"
MOST, DEEPEST = 2048, 64
"""Sizes beyond which no file is believed."""


class Loaded(NamedTuple):
    """A parser from a file.

    Attributes:
        parser: It, ready to read.
        card: What its file says of it.
    """

    parser: Parser
    card: dict[str, Any]


def save_parser(parser: Parser, card: Mapping[str, Any], path: Path, *, half: bool = False) -> None:
    """Write a parser, whole or not at all; what is there is written over.

    Args:
        parser: Its weights and its shape.
        card: What is to be said of it; JSON.
        path: Where.
        half: Whether at half the precision, and half the size.

    Raises:
        NotExtracted: It cannot be written.
    """
    from safetensors.torch import save_file

    facts = {"format": FORMAT, "shape": parser.shape.plain(), "card": dict(card)}
    tensors = {name: _stored(each, half) for name, each in parser.state_dict().items()}
    with written(path) as part:
        save_file(tensors, part, metadata={KEY: json.dumps(facts, sort_keys=True)})


def load_parser(path: Path) -> Loaded:
    """Read a parser.

    Raises:
        BadWeights: It is missing, damaged, or something else.
        ParserSettings: It needs a library that is not installed.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadWeights(f"{path} is not a file", FIX)
    try:
        with safe_open(path, "pt") as file:
            told = (file.metadata() or {}).get(KEY)
            if told is None:
                raise BadWeights(f"{path} holds no parser of controllers", FIX)
            facts = json.loads(told)
            if facts["format"] != FORMAT:
                raise ValueError(f"it has format {facts['format']!r}, not {FORMAT}")
            parser = Parser(_believed(Shape.of(facts["shape"])))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
        _taken(parser, tensors)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise BadWeights(f"{path} is no parser that can be read: {why}",
                         "copy or train it again") from error  # fmt: skip
    return Loaded(parser.eval(), dict(facts["card"]))


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write what a run goes on with.

    Raises:
        NotExtracted: It cannot be written; what was there stays.
    """
    with written(path) as part:
        torch.save({"format": FORMAT, **state}, part)


def load_state(path: Path) -> dict[str, Any]:
    """What a run goes on with.

    Raises:
        NotExtracted: It cannot be read.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"it has format {state['format']!r}")
    except Exception as error:  # noqa: BLE001 - a damaged file can make torch raise anything
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise NotExtracted(f"{path} cannot be gone on with: {why}",
                           "move it away, and begin anew") from None  # fmt: skip
    return dict(state)


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its name at the end.

    Raises:
        NotExtracted: The disk is full, or the folder is not to be written; what was there stays.
    """
    from safetensors import SafetensorError

    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:  # torch: a RuntimeError on full disks
        raise NotExtracted(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}",
            "make room, or name another file; what was written before is whole",
        ) from error
    finally:
        with suppress(OSError):  # it is there only after a failure or Ctrl-C
            part.unlink()


def _stored(value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() else value.clone()


def _taken(parser: Parser, tensors: dict[str, Tensor]) -> None:
    """Put tensors into a network.

    Raises:
        ValueError: They are another one's, or are no numbers.
    """
    own = parser.state_dict()
    for name in own.keys() | tensors.keys():
        if name not in own or name not in tensors:
            raise ValueError(f"{name} is {'missing' if name in own else 'of another network'}")
        if own[name].shape != tensors[name].shape:
            raise ValueError(f"{name} is {tuple(tensors[name].shape)}, "
                             f"and the network's {tuple(own[name].shape)}")  # fmt: skip
        if tensors[name].is_floating_point() and not tensors[name].isfinite().all():
            raise ValueError(f"{name} has values that are no numbers")
    parser.load_state_dict(tensors)


def _believed(shape: Shape) -> Shape:
    """A shape whose sizes can be meant.

    Raises:
        ValueError: They cannot.
    """
    sizes = [*shape.widths, *shape.heads, shape.features, shape.fine, shape.height, shape.width]
    if not all(isinstance(each, int) and 1 <= each <= MOST for each in sizes) or not all(
        isinstance(each, int) and 0 <= each <= DEEPEST for each in shape.depths
    ):
        raise ValueError(f"it has a network of {shape}")
    if len(shape.widths) != 4 or shape.height % 32 or shape.width % 32:
        raise ValueError(f"it has a network of {shape}")
    return shape
