"""``Truth``: what a pad did, and when, as a recording of ours says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.records.format import STICKS
from nitropilot.records.reader import read_recording

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

LASTS = 1.5
"""Ticks after which a state that no row follows is over: play was broken off there."""


@dataclass(frozen=True, eq=False)
class Truth:
    """States of a pad, and from when on each was on it.

    Attributes:
        times: ``T`` float64: seconds from the first one's, rising.
        states: ``T`` of them.
        hz: How many there are a second.
    """

    times: NDArray[np.float64]
    states: PadStates
    hz: float

    @property
    def seconds(self) -> float:
        """From the first state to the end of the last one."""
        return float(self.times[-1]) + 1 / self.hz

    def at(self, moments: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Which state was on the pad at some moments, and where that is known."""
        places = np.searchsorted(self.times, moments, "right") - 1
        safe = np.clip(places, 0, None)
        known = (places >= 0) & (moments - self.times[safe] < LASTS / self.hz)
        return safe.astype(np.int64), known


def read_truth(folder: Path) -> Truth:
    """A recording's actions.

    Raises:
        RecordsError: It is none, is not complete, or is damaged.
    """
    recorded = read_recording(folder)
    times = np.asarray(recorded.rows["sent_time"].to_numpy(), np.float64)
    return Truth(times - times[0], states_of_rows(recorded.rows), float(recorded.facts["fps"]))


def states_of_rows(rows: pa.Table) -> PadStates:
    """The states of a table with the columns of recordings."""
    buttons = [rows[name].to_numpy(zero_copy_only=False) for name in BUTTONS]
    sticks = [np.array(rows[name].to_pylist(), np.float32).reshape(-1, 2) for name in STICKS]
    pulls = [rows[f"trigger_{side}"].to_numpy() for side in ("left", "right")]
    return PadStates(
        np.stack(buttons, axis=1).astype(bool),
        np.concatenate(sticks, axis=1),
        np.stack(pulls, axis=1).astype(np.float32),
    )
