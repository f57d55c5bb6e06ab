"""``CheckpointFile``: what a file holds, as it was read and before it is believed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.policy.errors import CheckpointError, quoted

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

CONFIG_KEY = "ckpt_config"
DAMAGED = "download or copy it again"


@dataclass(frozen=True)
class CheckpointFile:
    """A file's contents, read but not yet checked against each other.

    Attributes:
        path: The file that holds the tensors.
        format: ``"pt"`` or ``"safetensors"``.
        config: Its ``ckpt_config``.
        tensors: Its tensors, mapped from disk where possible.
        config_beside: Whether the configuration is a file of its own.
        is_random: Whether it says that its weights were never trained.
    """

    path: Path
    format: str
    config: Any
    tensors: dict[str, Tensor]
    config_beside: bool = False
    is_random: bool = False

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size

    def sha256(self) -> str:
        """Hex digest of the whole file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def fingerprint(self) -> str:
        """Hex digest of all that makes the policy: the file, and a ``config.json`` beside it."""
        digest = self.sha256()
        if self.config_beside:
            text = digest + json.dumps(self.config, sort_keys=True)
            digest = hashlib.sha256(text.encode()).hexdigest()
        return digest

    def weight(self, key: str, device: torch.device) -> Tensor:
        """One of its tensors as a policy has it: float32, contiguous and a copy of our own.

        The mapped file may change or vanish while we play.
        """
        import torch

        tensor = self.tensors[key]
        return tensor.to(device=device, dtype=torch.float32, copy=True).contiguous()


def checked(file: CheckpointFile) -> CheckpointFile:
    """``file`` if its tensors are plain and no larger than the file."""
    for key, tensor in file.tensors.items():
        check_plain(file.path, key, tensor)
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in file.tensors.values())
    if claimed > file.size:
        raise CheckpointError(
            f"{file.path} claims {claimed} bytes of tensors in a file of {file.size}", DAMAGED
        )
    return file


def check_plain(path: Path, key: str, tensor: Tensor) -> None:
    """Refuse what is not a dense tensor of ordinary floats, before anything reads its shape."""
    import torch

    floats = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
    dense = tensor.layout is torch.strided and not tensor.is_nested and tensor.device.type == "cpu"
    if not dense or tensor.dtype not in floats:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise CheckpointError(
            f"{path}: {quoted(key)} is {kind}{'' if dense else ', not stored as plain numbers'}",
            "weights must be float32, bfloat16, float16 or float64",
        )
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise CheckpointError(
            f"{path}: {quoted(key)} claims more numbers than the file holds for it", DAMAGED
        )
