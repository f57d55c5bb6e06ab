"""What a run goes on with, on disk."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch

from nitropilot.dataset.detecting.weights import unwritten
from nitropilot.dataset.errors import NotExtracted
from nitropilot.records.format import PART

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
"""Another number is another layout."""


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write it, whole or not at all.

    Raises:
        NotExtracted: It cannot be written; what was there stays.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"format": FORMAT, **state}, part)
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch says the latter when a disk is full
        raise unwritten(path, error) from error
    finally:
        with suppress(OSError):  # it is there only after a failure or Ctrl-C
            part.unlink()


def read_state(path: Path) -> dict[str, Any]:
    """Read it.

    Raises:
        NotExtracted: It is missing, or cannot be read.
    """
    if not path.is_file():
        raise NotExtracted(f"there is no run to go on with: {path} is not there",
                           "leave out --resume, or name that run's file")  # fmt: skip
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"it has format {state['format']!r}")
    except Exception as error:  # noqa: BLE001 - a damaged file can make torch raise anything
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise NotExtracted(f"{path} cannot be gone on with: {why}",
                           "remove it and begin anew") from None  # fmt: skip
    return dict(state)
