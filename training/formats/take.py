"""``Take``: a video with a row for each tick of it, from whatever layout it was read.

What trains, checks or exports takes this and knows no layout.  All that is said of time is in the
rows (``records.format``): which frame of the video a row has, when that was taken, when the
action was sent, which rows follow on each other, and who acted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.actions import LABELS
from nitropilot.training.formats.view import WHOLE, View

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from nitropilot.policy.actions import DecodedChunk

TILTED = 0.1
"""A stick further from its middle than this is moved."""
NOBODY = "none"
"""Source of rows for which there was nothing to send: they teach nothing."""


@dataclass(frozen=True, eq=False)
class Take:
    """What was shown and what was pressed.

    Attributes:
        folder: Names it, for people; an episode of a larger set has a name below that set's folder.
        id: Its name among others.
        game: Of what.
        hz: Rows a second.
        video: Where the video is.
        rows: One row a tick with the columns of ``records.rows.schema``; ``frame_index`` counts the
            frames of the video as they are shown, and never falls.
        view: What of a picture is looked at.
        read_hz: Rows a second that it was read with, where it has another rate now.
    """

    folder: Path
    id: str
    game: str
    hz: float
    video: Path
    rows: pa.Table
    view: View = WHOLE
    read_hz: float | None = None

    def column(self, name: str) -> NDArray[np.generic]:
        """A column that has one value a row."""
        found: NDArray[np.generic] = self.rows[name].to_numpy(zero_copy_only=False)
        return found

    @property
    def taught(self) -> NDArray[np.bool_]:
        """Of each row, whether it is to be learned."""
        return np.asarray(self.column("source") != NOBODY, bool)


def decoded_rows(rows: pa.Table) -> DecodedChunk:
    """The actions of rows."""
    buttons = [rows[name.lower()].to_numpy(zero_copy_only=False)[:, None] for name in LABELS.tokens]
    sticks = [
        np.array(rows[name].to_pylist(), np.float32).reshape(-1, 2)
        for name in ("j_left", "j_right")
    ]
    return LABELS.read(np.concatenate([*buttons, *sticks], axis=1, dtype=np.float32))


def active(chunk: DecodedChunk) -> NDArray[np.bool_]:
    """Of each action, whether something is pressed or tilted."""
    sticks = np.concatenate([chunk.j_left, chunk.j_right], axis=-1)
    moved: NDArray[np.bool_] = chunk.buttons.any(axis=-1) | (np.abs(sticks) > TILTED).any(axis=-1)
    return moved
