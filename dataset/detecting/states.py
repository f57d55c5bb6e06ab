"""What a run goes on with, on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from nitropilot.dataset.detecting.weights import written
from nitropilot.dataset.errors import NotExtracted

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
"""Another number is another layout."""


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write it, whole or not at all.

    Raises:
        NotExtracted: It cannot be written; what was there stays.
    """
    with written(path) as part:
        torch.save({"format": FORMAT, **state}, part)


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
