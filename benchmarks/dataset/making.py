"""A set of our own for a benchmark, and what is read of it by the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from nitropilot.dataset.extracting.one import extract_one, known_ways
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.made.folder import MadeFolder
from nitropilot.dataset.made.make import make
from nitropilot.dataset.output.result import VideoResult
from nitropilot.dataset.pad import BUTTONS, SIDES, PadStates
from nitropilot.dataset.templates.library import shipped
from nitropilot.records.format import ACTIONS, STICKS
from nitropilot.records.reader import chunk_folders
from nitropilot.server.cli.dataset.arcade import arcade_plays, facts_of

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.dataset.made.folder import MadeLevel
    from nitropilot.dataset.made.make import Wanted

SHARD = "SHARD_0000"


@dataclass(frozen=True)
class Read:
    """A video of the set, read.

    Attributes:
        level: What it is of.
        truth: Its labels' folder.
        labels: Those that were read; there if ``result`` says so.
        result: What became of it.
    """

    level: MadeLevel
    truth: Path
    labels: Path
    result: VideoResult


def made_set(out: Path, wanted: Wanted, hours: float) -> MadeFolder:
    """Make a set in NitroGen's layout, or go on with one."""
    wanted.check()
    made = MadeFolder(out, out)
    templates = [shipped().get(name) for name in wanted.skins]
    facts = {game: facts_of(game, "mit") for game in wanted.games}
    with made.opened(wanted.plain()):
        plays = arcade_plays(wanted.seed, wanted.noisy, wanted.size)
        make(made, wanted, hours, plays, templates, facts)
    return made


def read_set(made: MadeFolder, out: Path, active: float = 0.5) -> list[Read]:
    """Read all of its videos by the pipeline, into a set beside it.

    Args:
        made: The set.
        out: The other one; made anew.
        active: Least share of active steps of a chunk that is kept.
    """
    ways, options = known_ways(None), Options(hz=None, active=active)
    (out / "videos").mkdir(parents=True, exist_ok=True)
    found = []
    for level in made.levels:
        if not level.video_id:
            continue
        name = level.video_id
        video = made.place / "videos" / f"{name}.mp4"
        link = out / "videos" / video.name
        link.unlink(missing_ok=True)
        link.symlink_to(video.resolve())
        labels = out / SHARD / name
        facts = facts_of(level.game, "mit")
        result = extract_one(Job(str(video), name, facts), options, labels, ways).result
        (truth,) = made.place.glob(f"SHARD_*/{name}")
        found.append(Read(level, truth, labels, result))
    return found


def states_in(folder: Path) -> PadStates:
    """All rows of a video's labels; triggers are pulled or not."""
    tables = [pq.read_table(chunk / ACTIONS) for chunk in chunk_folders(folder)]

    def column(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.concatenate([t[name].to_numpy(zero_copy_only=False) for t in tables])

    sticks = [
        np.concatenate([np.array(t[name].to_pylist(), np.float32).reshape(-1, 2) for t in tables])
        for name in STICKS
    ]
    return PadStates(
        np.stack([column(name) for name in BUTTONS], axis=1).astype(bool),
        np.concatenate(sticks, axis=1),
        np.stack([column(f"{side}_trigger") for side in SIDES], axis=1).astype(np.float32),
    )
