"""Pad traces: what was pressed in each step of an episode, every bit of it.

A trace is an ``.npz`` file that any NumPy reads, with ``actions``, ``T x 20`` float32 as an
environment takes them (``simulator.environments.actions``: 16 buttons in [0, 1], then left x, left
y, right x, right y in [-1, 1], y upward); row *n* is what step *n* was given, 1/60 s of game time.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from nitropilot.simulator.benchmark.results.episode import Attached
from nitropilot.simulator.benchmark.results.errors import DamagedResult
from nitropilot.simulator.benchmark.results.files import TRACES, file_digest, write_whole
from nitropilot.simulator.benchmark.results.model import HZ

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

WIDTH = 20
MEMBER = "actions.npy"
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What zipfile and NumPy raise for what is none of theirs."""
MOST_BYTES = 256 * 2**20
"""Of an unpacked trace, fifteen hours of play; what is longer is none of ours."""


def actions_of(actions: ArrayLike) -> NDArray[np.float32]:
    """Actions as a trace has them, ``T x 20`` float32.

    Raises:
        ValueError: They are none, or hold what is no finite number.
    """
    values = np.asarray(actions, np.float32)
    if values.size == 0:
        values = values.reshape(0, WIDTH)
    if values.ndim != 2 or values.shape[1] != WIDTH:
        raise ValueError(f"a trace has the shape {values.shape}, and T x {WIDTH} is needed")
    if not np.isfinite(values).all():
        raise ValueError("a trace holds what is no finite number")
    return values


def write_trace(folder: Path, number: int, actions: NDArray[np.float32]) -> Attached:
    """Write the trace of a record.

    Args:
        folder: The result's.
        number: The record's.
        actions: ``T x 20`` float32.

    Raises:
        NotWritten: There is no room.
    """
    path = folder / TRACES / f"{number:06d}.npz"

    def write(file: IO[bytes]) -> None:
        np.savez_compressed(file, actions=actions, hz=np.int64(HZ))

    write_whole(path, write)
    return Attached(file=f"{TRACES}/{path.name}", sha256=file_digest(path))


def read_trace(path: Path) -> NDArray[np.float32]:
    """The actions of a trace, ``T x 20`` float32.

    Raises:
        DamagedResult: It is missing, or is none.
    """
    try:
        with zipfile.ZipFile(path) as file:
            if file.getinfo(MEMBER).file_size > MOST_BYTES:
                raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            there: Any = arrays["actions"]
        if there.dtype != np.float32:
            raise ValueError(f"its numbers are {there.dtype}")
        return actions_of(there)
    except UNREADABLE as error:
        raise DamagedResult(
            f"the pad trace {path} cannot be read: {error}", "copy the result again"
        ) from error
