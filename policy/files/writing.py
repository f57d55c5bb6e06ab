"""Tensors into a safetensors file, complete or not at all, and equal ones as equal bytes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from nitropilot.policy.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor


def write_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path) -> None:
    """Write a file, which has its name when it is whole.

    Args:
        tensors: By name; each of its own memory, contiguous.
        metadata: What the file says of itself.
        path: Where; what is there is written over.

    Raises:
        CheckpointError: It cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file(dict(tensors), part, metadata=dict(metadata))
        _sort_metadata(part)
        part.replace(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {path}: {error}", "choose another place") from error
    finally:
        with suppress(OSError):  # it is there only after a failure or Ctrl-C
            part.unlink()


def _sort_metadata(path: Path) -> None:
    """Put a file's metadata in order: its writer takes any, and equal weights are one digest.

    Raises:
        ValueError: The header does not have the length that it had.
    """
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) > size:
            raise ValueError(f"its header has {size} bytes, in order {len(text)}")
        file.seek(8)
        file.write(text.ljust(size))
