"""Adapters in a file of their own, and a checkpoint with them added to its weights.

    adapters.safetensors   ``LAYER.lora_a`` (rank x in) and ``LAYER.lora_b`` (out x rank), float32;
                           metadata: the digest of the policy that they were trained on, how much
                           they count, and the ``ckpt_config`` of what they make of it

``LAYER.weight`` becomes ``weight + scale lora_b lora_a`` (LoRA, Hu et al. 2021) when it is loaded,
so that what plays is an ordinary policy, whatever engine it is compiled for.  Adapters are of one
base: on another they are noise, and its digest is compared.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.policy.errors import CheckpointError, quoted
from nitropilot.policy.files.stored import CONFIG_KEY, DAMAGED, CheckpointFile, checked
from nitropilot.policy.files.writing import write_tensors
from nitropilot.texts import text_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

FORMAT = "nitropilot-adapters-1"
FORMAT_KEY, BASE_KEY, SCALE_KEY = "format", "base", "scale"
A, B = ".lora_a", ".lora_b"
DIGEST = re.compile("[0-9a-f]{64}")
NO_ADAPTERS = "name the adapters.safetensors that a run with --lora has written"
OTHER_BASE = "name the policy that they were trained on"


@dataclass(frozen=True)
class Adapters:
    """What a file of adapters holds.

    Attributes:
        base: SHA-256 of the policy that they were trained on (its ``fingerprint``).
        scale: How much each counts: alpha / rank.
        config: ``ckpt_config`` of what they make.
        tensors: By name.
    """

    base: str
    scale: float
    config: dict[str, Any]
    tensors: Mapping[str, Tensor]

    @property
    def layers(self) -> list[str]:
        """Those that have one, in order."""
        return sorted({name.removesuffix(A).removesuffix(B) for name in self.tensors})


@dataclass(frozen=True, kw_only=True)
class AdaptedFile(CheckpointFile):
    """A checkpoint whose weights have adapters added when they are loaded.

    Attributes:
        base: The checkpoint.
        adapters: What is added.
        place: The adapters' file.
    """

    base: CheckpointFile
    adapters: Adapters
    place: Path

    @property
    def size(self) -> int:
        """Bytes on disk, of both."""
        return self.base.size + self.place.stat().st_size

    def sha256(self) -> str:
        """Of both: see ``fingerprint``."""
        return self.fingerprint()

    def fingerprint(self) -> str:
        """Hex digest of all that makes the policy.

        Raises:
            CheckpointError: The adapters are of another base.
        """
        digest = self.base.fingerprint()
        if digest != self.adapters.base:
            raise CheckpointError(
                f"{self.place} is of a policy with the digest {self.adapters.base}, and "
                f"{self.base.path} has {digest}",
                OTHER_BASE,
            )
        with self.place.open("rb") as file:
            added = hashlib.file_digest(file, "sha256").hexdigest()
        return hashlib.sha256(f"{digest} {added}".encode()).hexdigest()

    def weight(self, key: str, device: torch.device) -> Tensor:
        """See ``CheckpointFile.weight``."""
        weight = self.base.weight(key, device)
        layer = key.removesuffix(".weight")
        a, b = (self.adapters.tensors.get(layer + letter) for letter in (A, B))
        if a is None or b is None:
            return weight
        return weight.add_(b.to(weight) @ a.to(weight), alpha=self.adapters.scale)


def adapted(base: CheckpointFile, place: Path) -> AdaptedFile:
    """A checkpoint with the adapters of a file.

    Raises:
        CheckpointError: It is no such file or a damaged one, or its layers are not the base's.
    """
    adapters = read_adapters(place)
    for layer in adapters.layers:
        weight, a, b = (
            base.tensors.get(f"{layer}.weight"), adapters.tensors.get(layer + A),
            adapters.tensors.get(layer + B),
        )  # fmt: skip
        if a is None or b is None:
            raise CheckpointError(f"{place} has half an adapter of {quoted(layer)}", DAMAGED)
        shape = None if weight is None else tuple(weight.shape)
        if not a.ndim == b.ndim == 2 or (b.shape[0], a.shape[1]) != shape:
            raise CheckpointError(
                f"{place}: the adapter of {quoted(layer)} is {tuple(b.shape)} by "
                f"{tuple(a.shape)}, and {base.path} has {shape or 'no such layer'} there",
                OTHER_BASE,
            )
        if a.shape[0] != b.shape[1]:
            raise CheckpointError(
                f"{place}: the halves of {quoted(layer)} have rank {a.shape[0]} and {b.shape[1]}",
                DAMAGED,
            )
    return AdaptedFile(
        path=base.path, format=base.format, config=adapters.config, tensors=base.tensors,
        base=base, adapters=adapters, place=place,
    )  # fmt: skip


def save_adapters(adapters: Adapters, path: Path) -> None:
    """Write adapters, whole or not at all.

    Raises:
        CheckpointError: The file cannot be written.
    """
    metadata = {
        FORMAT_KEY: FORMAT, BASE_KEY: adapters.base, SCALE_KEY: repr(adapters.scale),
        CONFIG_KEY: json.dumps(adapters.config),
    }  # fmt: skip
    tensors = {name: value.detach().cpu().contiguous() for name, value in adapters.tensors.items()}
    write_tensors(tensors, metadata, path)


def find_adapters(path: Path) -> None:
    """Raise ``CheckpointError`` unless there is such a file."""
    try:
        there = path.is_file()
    except OSError as error:  # no right to look, or no name of a file at all
        said = f"cannot read {quoted(str(path))}: {error.strerror or error}"
        raise CheckpointError(said, "check the path") from None
    if not there:
        raise CheckpointError(f"there is no file {path}", NO_ADAPTERS)


def read_adapters(path: Path) -> Adapters:
    """Read adapters, without trust.

    Raises:
        CheckpointError: It is no such file, or a damaged one.
    """
    from safetensors import SafetensorError, safe_open

    find_adapters(path)
    try:
        with text_path(path) as name, safe_open(name, framework="pt") as file:
            facts = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dict
        if facts.get(FORMAT_KEY) != FORMAT:
            raise CheckpointError(f"{path} holds no adapters", NO_ADAPTERS)
        scale, config = float(facts[SCALE_KEY]), json.loads(facts[CONFIG_KEY])
        if not DIGEST.fullmatch(facts[BASE_KEY]):
            raise ValueError(f"the digest of its base is {facts[BASE_KEY]}")
        if not (isinstance(config, dict) and math.isfinite(scale)):
            raise ValueError(f"its scale is {scale}, or its configuration no object")
        checked(CheckpointFile(path, "safetensors", config, tensors))
        return Adapters(facts[BASE_KEY], scale, config, tensors)
    except (OSError, SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} holds no adapters: {quoted(str(error))}", NO_ADAPTERS
        ) from None
