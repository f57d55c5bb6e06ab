"""The LeRobotDataset v3.0 layout: its files, its features, and which channel of an action is what.

    meta/info.json                               features, rate, totals
    meta/stats.json                              of each feature
    meta/tasks.parquet                           a task is a game here
    meta/episodes/chunk-000/file-000.parquet     one row an episode: where its rows and frames are
    data/chunk-000/file-000.parquet              one row a frame; a file a take
    videos/KEY/chunk-000/file-000.mp4            likewise

An episode is an unbroken stretch of play.  A frame's action is the one that was sent
``action_shift`` ticks after the tick that the picture shows: 1, as that layout's readers take it,
is the action that was chosen on seeing it.
"""

from __future__ import annotations

from typing import Any

from nitropilot.records.format import PUBLISHED_BUTTONS

VERSION = "v3.0"
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
FILES_A_CHUNK = 1000
KEY = "observation.images.game"
"""The feature that is the picture."""
AXES = ("j_left_x", "j_left_y", "j_right_x", "j_right_y")
PULLS = ("trigger_left", "trigger_right")
CHANNELS = (*PUBLISHED_BUTTONS, *AXES, *PULLS)
"""Of an action: buttons 0 or 1, stick axes from -1 to 1 with y down, triggers from 0 to 1."""
OURS: dict[str, str] = {
    "nitropilot.source": "string",
    "nitropilot.frame_time": "float64",
    "nitropilot.sent_time": "float64",
    "nitropilot.frame_repeated": "bool",
    "nitropilot.policy_chunk": "int64",
    "nitropilot.policy_action": "int64",
}
"""Columns of recordings that the layout does not know, kept beside those that it does."""
MASKS = "nitropilot.masks"
"""Of an episode: what of its pictures is blackened, four shares each: left, top, right, bottom."""
THEIRS: dict[str, str] = {
    "timestamp": "float32", "frame_index": "int64", "episode_index": "int64", "index": "int64",
    "task_index": "int64",
}  # fmt: skip


def features(height: int, width: int, hz: float, codec: str) -> dict[str, Any]:
    """What ``info.json`` says of each feature."""
    plain = {
        name: {"dtype": kind, "shape": [1], "names": None}
        for name, kind in {**THEIRS, **OURS}.items()
    }
    return {
        "action": {"dtype": "float32", "shape": [len(CHANNELS)], "names": list(CHANNELS)},
        KEY: {
            "dtype": "video", "shape": [height, width, 3], "names": ["height", "width", "channels"],
            "info": {
                "video.height": height, "video.width": width, "video.codec": codec,
                "video.pix_fmt": "yuv420p", "video.is_depth_map": False, "video.fps": hz,
                "video.channels": 3, "has_audio": False,
            },
        },
        **plain,
    }  # fmt: skip
