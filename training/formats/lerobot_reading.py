"""Episodes of a LeRobotDataset v3.0 as takes, where its action is a gamepad's.

An episode is named by a path below the data set's folder, ``DIR/episode_000003``, which is not
there.  Data sets of others have no times but timestamps: their picture *n* was taken right before
action *n* was sent.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.records.errors import DamagedRecording
from nitropilot.records.format import PUBLISHED_BUTTONS, SOURCES, STICKS, TRIGGER_PRESSED
from nitropilot.records.reader import read_object
from nitropilot.records.rows import schema
from nitropilot.training.formats import lerobot as layout
from nitropilot.training.formats.lerobot_files import (
    episode_facts,
    episode_rows,
    inside,
    seconds_of,
)
from nitropilot.training.formats.take import NOBODY, Take
from nitropilot.training.formats.view import Box, View

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

EPISODE = re.compile(r"episode_(\d{6,})")
SHOWN = 0.1
"""How long before its action a picture was taken, in ticks, where nothing says when."""
PRESSED = 0.5
MOST_SHIFT = 1000
PICTURES = ("frame_index", "frame_time", "frame_repeated")
"""Columns that are of a row's picture; the others are of its action."""


def is_lerobot(folder: Path) -> bool:
    """Whether a folder is such a data set."""
    return (folder / layout.INFO).is_file()


def find_episodes(folder: Path) -> list[Path]:
    """The names of all episodes.

    Raises:
        DamagedRecording: The data set's own description cannot be read.
    """
    total = _info(folder)["total_episodes"]
    return [folder / f"episode_{number:06d}" for number in range(total)]


def is_episode(name: Path) -> bool:
    """Whether a name is that of an episode."""
    return EPISODE.fullmatch(name.name) is not None and is_lerobot(name.parent)


def read_episode(name: Path) -> Take:
    """Read one episode.

    Raises:
        DamagedRecording: A file is missing or broken, or its action is no gamepad's.
    """
    with _sound(name):
        return _read_episode(name)


@contextmanager
def _sound(name: Path) -> Iterator[None]:
    """Whatever of a table or of ``info.json`` is not as it has to be is damage."""
    try:
        yield
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DamagedRecording(f"{name} cannot be read: {type(error).__name__}: {reason}") from None


def _read_episode(name: Path) -> Take:
    folder, number = name.parent, int(name.name.rpartition("_")[2])
    info = _info(folder)
    channels, key = _channels(folder, info), _picture(folder, info)
    said = episode_facts(folder, number)
    hz = float(info["fps"])
    data = episode_rows(folder, info, said, number)
    path = info["video_path"].format(
        video_key=key,
        chunk_index=said[f"videos/{key}/chunk_index"], file_index=said[f"videos/{key}/file_index"],
    )  # fmt: skip
    video = inside(folder, path)
    began = float(said[f"videos/{key}/from_timestamp"])
    seconds = seconds_of(video)
    stamps = np.asarray(data["timestamp"].to_numpy(), np.float64)
    frames = np.searchsorted(seconds, began + stamps + 0.5 / hz) - 1
    if len(frames) and began + stamps[-1] > seconds[-1] + 0.5 / hz:
        raise DamagedRecording(f"{video} ends before frame {len(frames) - 1} of {name.name}")
    rows = _table(data, channels, np.clip(frames, 0, None), stamps, (hz, _shift(info)))
    recording = said.get("nitropilot.recording") or folder.name
    return Take(
        name, f"{recording}-{number:06d}", str((said["tasks"] or [""])[0]), hz, video, rows,
        View(masks=_masks(said.get(layout.MASKS), name)),
    )  # fmt: skip


def _masks(said: Any, name: Path) -> tuple[Box, ...]:
    """What of an episode's pictures is blackened."""
    sides = [float(side) for side in said or ()]
    boxes = tuple(Box(*sides[at : at + 4]) for at in range(0, len(sides) - 3, 4))
    sound = all(0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1 for box in boxes)
    if len(sides) % 4 or not sound:
        raise DamagedRecording(f"{name} says that {said!r} of its pictures is blackened")
    return boxes


def episode_game(name: Path) -> str:
    """What is played in an episode: its task.

    Raises:
        DamagedRecording: It cannot be read.
    """
    with _sound(name):
        said = episode_facts(name.parent, int(name.name.rpartition("_")[2]))
        return str((said["tasks"] or [""])[0])


def _info(folder: Path) -> dict[str, Any]:
    info = read_object(folder / layout.INFO)
    version = info.get("codebase_version")
    if version != layout.VERSION:
        raise DamagedRecording(
            f"{folder} is a LeRobot data set of version {version!r}, and {layout.VERSION} is read",
            "convert it with LeRobot's own script",
        )
    wanted: dict[str, Any] = {
        "fps": int | float, "total_episodes": int, "features": dict, "data_path": str,
        "video_path": str,
    }  # fmt: skip
    for name, kind in wanted.items():
        if not isinstance(info.get(name), kind):
            raise DamagedRecording(f"{folder / layout.INFO} says {name} is {info.get(name)!r}")
    if not 0 < info["fps"] < float("inf"):
        raise DamagedRecording(f"{folder / layout.INFO} says fps is {info['fps']!r}")
    return info


def _shift(info: dict[str, Any]) -> int:
    """Ticks from a picture's to its action's: the next one, where nothing is said."""
    said = info.get("nitropilot")
    shift = said.get("action_shift", 1) if isinstance(said, dict) else 1
    return shift if isinstance(shift, int) and 0 <= shift <= MOST_SHIFT else 1


def _channels(folder: Path, info: dict[str, Any]) -> list[str]:
    """Which channel of the action is what."""
    names = (info["features"].get("action") or {}).get("names")
    if isinstance(names, dict):
        names = next((value for value in names.values() if isinstance(value, list)), [*names])
    strange = [name for name in names or ["none"] if name not in layout.CHANNELS]
    if not isinstance(names, list) or strange:
        raise DamagedRecording(
            f"the action of {folder} is no gamepad's: it has the channel {strange[:1]}",
            f"channels are named {', '.join(layout.CHANNELS[:3])} and so on: docs/datasets.md",
        )
    return names


def _picture(folder: Path, info: dict[str, Any]) -> str:
    """The feature that is the picture."""
    features: dict[str, dict[str, Any]] = info["features"]
    found = [name for name, each in features.items() if each.get("dtype") == "video"]
    if len(found) != 1:
        raise DamagedRecording(f"{folder} has {len(found)} videos an episode, and 1 is needed")
    return found[0]


def _table(
    data: pa.Table,
    channels: list[str],
    frames: NDArray[np.int64],
    stamps: NDArray[np.float64],
    timing: tuple[float, int],
) -> pa.Table:
    """The rows with the columns that recordings have; ``timing`` is rate and action shift."""
    import pyarrow as pa

    hz, shift = timing
    count = data.num_rows
    actions = np.array(data["action"].to_pylist(), np.float64).reshape(count, -1)
    if actions.shape[1] != len(channels) or not np.isfinite(actions).all():
        raise DamagedRecording(f"an action has {actions.shape[1]} numbers of {len(channels)}")
    value = dict(zip(channels, actions.T, strict=True))
    none = np.zeros(count)
    columns: dict[str, Any] = {name: value.get(name, none) > PRESSED for name in PUBLISHED_BUTTONS}
    for name in STICKS:
        axes = [np.clip(value.get(f"{name}_{axis}", none), -1.0, 1.0) for axis in "xy"]
        columns[name] = np.stack(axes, axis=1).tolist()
    for pull, button in zip(layout.PULLS, ("left_trigger", "right_trigger"), strict=True):
        columns[pull] = value.get(pull, columns[button].astype(float))
        if button not in value:
            columns[button] = columns[pull] > TRIGGER_PRESSED
    otherwise: dict[str, Any] = {
        "source": ["human"] * count, "sent_time": stamps, "frame_time": stamps - SHOWN / hz,
        "frame_repeated": np.diff(frames, prepend=-1) == 0,
        "policy_chunk": np.full(count, -1), "policy_action": np.full(count, -1),
    }  # fmt: skip
    for name, values in otherwise.items():
        ours = f"nitropilot.{name}"
        columns[name] = data[ours].to_pylist() if ours in data.schema.names else values
    if strange := set(columns["source"]) - set(SOURCES):
        raise DamagedRecording(f"a row has a source {min(strange)!r}")
    columns |= {"frame_index": frames, "stretch": np.zeros(count, np.int64)}
    found = pa.table({name: columns[name] for name in schema().names}, schema=schema())
    return _apart(found, shift, hz)


def _apart(rows: pa.Table, shift: int, hz: float) -> pa.Table:
    """Actions moved so many rows down, so that a picture stands beside what it shows.

    Before the first action nobody knows what was pressed; after the last picture there is no other.
    """
    import pyarrow as pa

    count = rows.num_rows
    if not count or not shift:
        return rows
    acted = np.maximum(np.arange(count + shift) - shift, 0)
    shown = np.minimum(np.arange(count + shift), count - 1)
    known = np.arange(count + shift) >= shift
    columns = {
        name: rows[name].take(shown if name in PICTURES else acted) for name in rows.schema.names
    }
    early = np.minimum(np.arange(count + shift) - shift, 0) / hz
    columns["sent_time"] = pa.array(columns["sent_time"].to_numpy() + early)
    columns["source"] = pa.array(
        np.where(known, columns["source"].to_numpy(zero_copy_only=False), NOBODY)
    )
    repeated = columns["frame_repeated"].to_numpy(zero_copy_only=False)
    columns["frame_repeated"] = pa.array(repeated | (np.arange(count + shift) >= count))
    return pa.table(columns, schema=rows.schema)
