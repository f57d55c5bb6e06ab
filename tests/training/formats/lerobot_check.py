"""Reads an exported data set with the real LeRobot package, in an environment that has that alone.

    python tests/training/formats/lerobot_check.py DIR

Every frame is read through the package and held against the files: action, time, episode, source
and game; of each episode the first and the last picture are decoded.  Exit status 1 if one differs.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq


def check(folder: Path) -> list[str]:
    """What differs, a line each."""
    package = importlib.import_module("lerobot.datasets.lerobot_dataset")
    found: Any = package.LeRobotDataset("local/play", root=folder, video_backend="pyav")
    info = json.loads((folder / "meta" / "info.json").read_text(encoding="utf-8"))
    rows = [
        row
        for path in sorted(folder.glob("data/*/*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    totals = (found.num_frames, found.num_episodes, found.fps)
    wanted = (len(rows), info["total_episodes"], info["fps"])
    wrong = [] if totals == wanted else [f"{totals} frames, episodes and rate for {wanted}"]
    plain = found.hf_dataset
    ends = {
        each
        for row in found.meta.episodes
        for each in (row["dataset_from_index"], row["dataset_to_index"] - 1)
    }
    for number, row in enumerate(rows):
        item = found[number] if number in ends else plain[number]
        same = (
            np.array_equal(np.asarray(item["action"]), np.asarray(row["action"], np.float32))
            and abs(float(item["timestamp"]) - row["frame_index"] / info["fps"]) < 1e-4
            and int(item["episode_index"]) == row["episode_index"]
            and item["nitropilot.source"] == row["nitropilot.source"]
        )
        if not same:
            wrong.append(f"row {number} differs: {item}")
        if number in ends and len(item["observation.images.game"]) != 3:
            wrong.append(f"row {number} has no picture")
    print(f"{len(rows)} rows in {info['total_episodes']} episodes, {len(wrong)} differ")
    return wrong


if __name__ == "__main__":
    differ = check(Path(sys.argv[1]))
    print("\n".join(differ))
    sys.exit(bool(differ))
