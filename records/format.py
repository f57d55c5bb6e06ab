"""What a recording is made of: files and folders, columns, and the facts about a chunk.

    <id>/                              "<id>.part" until it is complete
      video.mp4                        what the game showed, nothing drawn on it
      recording.json                   facts about the whole
      <id>_chunk_0000/
        actions_raw.parquet            at most 20 s without a gap: one row a tick, and a frame
        metadata.json                  facts about these

Columns as published: 17 buttons (bool), ``j_left`` and ``j_right`` ([x, y] in [-1, 1],
negative y is up).  Ours beside them, which readers of the published columns do not see:

    frame_index                        the frame of ``video.mp4``, from 0
    frame_time                         when its picture was taken, seconds since 1970
    sent_time                          when the state was there for the game to see, seconds since
                                       1970: the tick lasts until the next row's
    stretch                            of play, from 0: rows of one are of successive ticks
    source                             ``agent``, ``human``, or ``none`` (nothing was there to send,
                                       or nothing that is to be learned)
    trigger_left, trigger_right        how far the triggers were pulled, 0 to 1
    policy_chunk, policy_action        which action of which chunk it was; -1 for none
    frame_repeated                     whether the picture is of an earlier tick, for want of one

The published set has no video, no ``recording.json`` and none of our columns; its chunks may
also have ``actions_processed.parquet``, with the same columns.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

FORMAT = 2
"""Stands in ``recording.json``; another number is another layout."""
FORMATS = (1, FORMAT)
"""Those that can be read.  1 has no ``frame_time`` and no ``stretch``: see ``OLDER``."""
OLDER = {"frame_time": math.nan, "stretch": 0}
"""What rows of older formats have in columns that these lack."""
VIDEO, FACTS = "video.mp4", "recording.json"
ACTIONS, METADATA, TAIL = "actions_raw.parquet", "metadata.json", "tail.jsonl"
PROCESSED = "actions_processed.parquet"
PART = ".part"
"""What the name of something incomplete ends in."""
ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}(?:-[0-9a-f]{4})?")
"""Names of recordings; nothing else in their folder is one."""
CHUNK_S = 20

BUTTON_BITS: dict[str, int] = {
    "back": 0x0020,
    "dpad_down": 0x0002,
    "dpad_left": 0x0004,
    "dpad_right": 0x0008,
    "dpad_up": 0x0001,
    "east": 0x2000,
    "guide": 0x0400,
    "left_shoulder": 0x0100,
    "left_thumb": 0x0040,
    "north": 0x8000,
    "right_shoulder": 0x0200,
    "right_thumb": 0x0080,
    "south": 0x1000,
    "start": 0x0010,
    "west": 0x4000,
}
"""The pad's buttons by their published names, with XInput's ``wButtons`` bits."""
TRIGGER_PRESSED = 30 / 255
"""A trigger pulled further than this is pressed: XInput's own threshold."""
SOURCES = ("agent", "human", "none")

PUBLISHED_BUTTONS = tuple(sorted([*BUTTON_BITS, "left_trigger", "right_trigger"]))
STICKS = ("j_left", "j_right")
OUR_COLUMNS: dict[str, str] = {
    "frame_index": "int64",
    "frame_time": "double",
    "sent_time": "double",
    "stretch": "int64",
    "source": "string",
    "trigger_left": "double",
    "trigger_right": "double",
    "policy_chunk": "int64",
    "policy_action": "int64",
    "frame_repeated": "bool",
}
"""Columns that the published set lacks, with Arrow's names of their types."""


@dataclass
class Source:
    """What a recording's metadata says of its video.

    Attributes:
        id: The recording, which is the published ``video_id``.
        game: Name of the game.
        fps: Frames a second.
        size: Height and width of the video; known with its first frame.
    """

    id: str
    game: str
    fps: float
    size: tuple[int, int] = (0, 0)

    @property
    def chunk_rows(self) -> int:
        """Most rows of a chunk."""
        return max(round(CHUNK_S * self.fps), 1)

    def chunk_name(self, number: int) -> str:
        """The folder of a chunk."""
        return f"{self.id}_chunk_{number:04d}"


def metadata(
    source: Source, number: int, first: int, rows: int, began: float | None = None
) -> dict[str, Any]:
    """A chunk's ``metadata.json``: the published keys.

    Args:
        source: What it is of.
        number: The chunk's.
        first: Frames before it.
        rows: Its own.
        began: At which second of the video its first frame is shown; None where no gap is before
            it, and so its frame says it.

    ``end_frame`` is exclusive.  Nothing is drawn over the frames, so the overlay's box is
    empty and the game is all there is to see.
    """
    if began is None:
        began = first / source.fps
    return {
        "uuid": source.chunk_name(number),
        "chunk_id": f"{number:04d}",
        "chunk_size": rows,
        "game": source.game,
        "controller_type": "xbox",
        "original_video": {
            "resolution": list(source.size),
            "video_id": source.id,
            "source": "nitropilot",
            "url": "",
            "start_time": began,
            "end_time": began + rows / source.fps,
            "duration": rows / source.fps,
            "start_frame": first,
            "end_frame": first + rows,
        },
        "bbox_controller_overlay": [0, 0, 0, 0],
        "bbox_game_area": {"xtl": 0.0, "ytl": 0.0, "xbr": 1.0, "ybr": 1.0},
    }
