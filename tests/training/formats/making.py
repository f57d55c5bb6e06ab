"""Takes without a video, where none is looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.records.rows import Row, table_of
from nitropilot.training.formats.take import Take

if TYPE_CHECKING:
    from collections.abc import Sequence

HZ = 60.0
REST = Row(
    frame_index=0, frame_time=0.0, sent_time=0.0, stretch=0, source="human", policy_chunk=-1,
    policy_action=-1, frame_repeated=False, left_x=0.0, left_y=0.0, right_x=0.0, right_y=0.0,
    trigger_left=0.0, trigger_right=0.0, buttons=0,
)  # fmt: skip
"""Nothing is pressed."""


def take_of(rows: Sequence[Row], hz: float = HZ, began: float = 1e9) -> Take:
    """Rows that follow on each other as a take: their frames and times are filled in here."""
    timed = [
        replace(
            row, frame_index=number, sent_time=began + number / hz,
            frame_time=began + (number + 0.9) / hz,
        )
        for number, row in enumerate(rows)
    ]  # fmt: skip
    return Take(Path("play"), "play", "game", hz, Path("video.mp4"), table_of(timed))
