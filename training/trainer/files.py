"""The files of a run: each has its name when it is whole, and not before.

OUT/
  state.pt                 to go on with: raw and averaged weights, optimiser, step
  policy.safetensors       the newest policy (averaged weights)
  best.safetensors         the best one so far
  adapters.safetensors     of the newest policy, where they alone are trained (--lora)
  step_00001500.safetensors  every so manieth, where asked for
  log.csv                  one row every so many steps
  run.json                 what the run was told
  report.html              what it did, for people; written when it ends or is interrupted
  frames/                  decoded frames; can be removed at any time
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import torch

from nitropilot.policy.errors import CheckpointError
from nitropilot.policy.files.adapters import save_adapters
from nitropilot.policy.files.checkpoint import save_policy
from nitropilot.records.format import PART
from nitropilot.training.errors import NotWritten, OtherRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.policy.files.adapters import Adapters
    from nitropilot.policy.network.policy import Policy

STATE, LOG, FACTS = "state.pt", "log.csv", "run.json"
NEWEST, BEST = "policy.safetensors", "best.safetensors"
ADAPTERS = "adapters.safetensors"
FORMAT = 1
"""Of ``state.pt``; another number is another layout."""


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its name at the end.

    Raises:
        NotWritten: The disk is full, or the folder is not to be written; what was there stays.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch says the latter when a disk is full
        raise NotWritten(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}",
            "make room there, and run the same command again: what was written before is whole",
        ) from error
    finally:
        with suppress(OSError):  # it is there only after a failure or Ctrl-C
            part.unlink()


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write what a run goes on with."""
    with written(folder / STATE) as part:
        torch.save({"format": FORMAT, **state}, part)


def load_state(folder: Path) -> dict[str, Any] | None:
    """What a run goes on with; None where none began.

    Raises:
        OtherRun: It cannot be read.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"it has format {state['format']!r}")
    except Exception as error:  # noqa: BLE001 - a damaged file can make torch raise anything
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise OtherRun(f"{path} cannot be gone on with: {reason}", "name another --out") from None
    return dict(state)


def save_checkpoint(policy: Policy, path: Path) -> None:
    """Write a policy, whole or not at all.

    Raises:
        NotWritten: It cannot be written; what was there stays.
    """
    with _said():
        save_policy(policy, path)


def save_adapted(adapters: Adapters, folder: Path) -> None:
    """Write the adapters of the newest policy, in the same way."""
    with _said():
        save_adapters(adapters, folder / ADAPTERS)


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except CheckpointError as error:
        raise NotWritten(str(error), "make room there, or name another folder") from error


def save_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Write what a run was told."""
    with written(folder / FACTS) as part:
        part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def make_folder(folder: Path) -> None:
    """Make the folder of a run.

    Raises:
        NotWritten: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWritten(f"cannot make {folder}: {error.strerror}", "name another --out") from None
