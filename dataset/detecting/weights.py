"""The detector's file: weights of half precision, the score that claims, and a card.

It is a safetensors file whose metadata has one entry, ``detector``: JSON with ``format``,
``widths`` and ``joined`` (of the network), ``threshold``, and ``card`` (what it is, how it was
made, how it scored), which people can read and nothing depends on.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import torch

from nitropilot.dataset.detecting.detector import Detector
from nitropilot.dataset.detecting.network import Network
from nitropilot.dataset.errors import BadWeights, NotExtracted
from nitropilot.records.format import PART

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEY = "detector"
FORMAT = 1
"""Of the file; another number is other cues or another network."""
LEVELS, WIDEST = 5, 512
"""Sizes beyond which no file is believed."""


def save(network: Network, threshold: float, card: Mapping[str, Any], path: Path) -> None:
    """Write a detector and its card, each whole or not at all; what is there is written over.

    Raises:
        NotExtracted: It cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    facts = {"format": FORMAT, "widths": list(network.widths), "joined": network.joined,
             "threshold": threshold, "card": dict(card)}  # fmt: skip
    tensors = {name: _half(value) for name, value in network.state_dict().items()}
    told = {KEY: json.dumps(facts, sort_keys=True)}
    page = path.with_name(f"{path.name}.md")
    try:
        with written(page) as part:
            part.write_text(_page(path.name, threshold, card), encoding="utf-8")
        with written(path) as part:
            save_file(tensors, part, metadata=told)
    except SafetensorError as error:
        raise unwritten(path, error) from error


def load(path: Path) -> Detector:
    """Read a detector.

    Raises:
        BadWeights: It is missing, damaged, or something else.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadWeights(f"{path} is not a file", "name one of `nitropilot dataset train-detector`")
    try:
        with safe_open(path, "pt") as file:
            told = (file.metadata() or {}).get(KEY)
            if told is None:
                raise BadWeights(f"{path} holds no detector of controllers",
                                 "name one of `nitropilot dataset train-detector`")  # fmt: skip
            facts = _facts(json.loads(told))
            network = Network(tuple(facts["widths"]), facts["joined"])
            names = file.keys()
            network.load_state_dict({name: file.get_tensor(name).float() for name in names})
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadWeights(f"{path} is no detector that can be read: {why}",
                         "copy or train it again") from error  # fmt: skip
    return Detector(network.eval(), float(facts["threshold"]), dict(facts["card"]))


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its name at the end; what was there stays until then.

    Raises:
        NotExtracted: It cannot be written.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch says the latter when a disk is full
        raise unwritten(path, error) from error
    finally:
        with suppress(OSError):  # it is there only after a failure or Ctrl-C
            part.unlink()


def unwritten(path: Path, error: Exception) -> NotExtracted:
    """That a file cannot be written."""
    return NotExtracted(f"cannot write {path}: {getattr(error, 'strerror', None) or error}",
                        "make room, or name another file")  # fmt: skip


def _half(value: torch.Tensor) -> torch.Tensor:
    return value.detach().to(torch.float16 if value.is_floating_point() else value.dtype).clone()


def _facts(facts: Any) -> dict[str, Any]:
    """What a file says, checked.

    Raises:
        ValueError: It is of another version, or sizes are no sizes.
    """
    if facts["format"] != FORMAT:
        raise ValueError(f"it has format {facts['format']!r}, not {FORMAT}")
    sizes = [*facts["widths"], facts["joined"]]
    if len(facts["widths"]) != LEVELS or not all(
        isinstance(size, int) and 1 <= size <= WIDEST for size in sizes
    ):
        raise ValueError(f"it has a network of {sizes}")
    if not (isinstance(facts["threshold"], float) and math.isfinite(facts["threshold"])):
        raise ValueError(f"it has a threshold of {facts['threshold']!r}")
    return dict(facts)


def _page(name: str, threshold: float, card: Mapping[str, Any]) -> str:
    """A card for people."""
    lines = [f"# {name}", "", f"It {card.get('what', 'finds controllers')}.", "",
             f"- claims one from a score of {threshold} on"]  # fmt: skip
    for key, value in card.items():
        if key not in ("what", "held_out"):
            lines.append(f"- {key.replace('_', ' ')}: {_said(value)}")
    lines += ["", "On made-up videos with looks that it never saw:", ""]
    for key, value in card.get("held_out", {}).items():
        lines.append(f"- {key.replace('_', ' ')}: {_said(value)}")
    return "\n".join([*lines, ""])


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {told}" for key, told in value.items())
    return str(value)
