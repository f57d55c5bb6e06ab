"""``LeRobotWriter``: takes as a LeRobotDataset v3.0."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.records.format import PUBLISHED_BUTTONS, STICKS
from nitropilot.training.errors import BadData, NotWritten
from nitropilot.training.formats import lerobot as layout
from nitropilot.training.formats.lerobot_pictures import write_pictures
from nitropilot.training.formats.lerobot_stats import Stats
from nitropilot.training.formats.view import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.training.formats.lerobot_pictures import Pictures
    from nitropilot.training.formats.take import Take


class LeRobotWriter:
    """Writes takes one after the other; ``finish`` makes a data set of them.

    Args:
        root: The folder of the data set; must not be there.
        shift: Ticks from the one that a picture shows to its action's.

    Raises:
        NotWritten: It is there, or cannot be made.
    """

    def __init__(self, root: Path, shift: int = 1) -> None:
        if root.exists():
            raise NotWritten(f"{root} is there already", "name a folder that is not")
        try:
            root.mkdir(parents=True)
        except OSError as error:
            raise NotWritten(f"cannot make {root}: {error.strerror}", "name another") from None
        self._root, self._shift = root, shift
        self._files, self._frames = 0, 0
        self._hz: float | None = None
        self._size: tuple[int, int] = (0, 0)
        self._codec = ""
        self._tasks: dict[str, int] = {}
        self._episodes: list[dict[str, Any]] = []
        self._stats = Stats()

    def add(self, take: Take) -> int:
        """Write one take; gives the number of its episodes.

        Raises:
            BadData: Its rate or the size of its pictures is another than that of those before,
                or it has not one picture a row.
            DamagedRecording: Its video cannot be read.
            OSError: The disk is full.
        """
        if self._hz is not None and take.hz != self._hz:
            raise BadData(
                f"{take.folder} has {take.hz:g} rows a second, and those before {self._hz:g}",
                "export recordings of one rate",
            )
        parts = self._parts(take)
        if not parts:
            return 0
        place = {"chunk_index": self._files // layout.FILES_A_CHUNK}
        place["file_index"] = self._files % layout.FILES_A_CHUNK
        path = self._root / layout.VIDEO.format(video_key=layout.KEY, **place)
        pictures = write_pictures(take, path)
        self._require_like_before(take, pictures, path)
        self._hz, self._size, self._codec = take.hz, pictures.size, pictures.codec
        self._stats.add_pictures(layout.KEY, pictures.samples)
        self._write_rows(take, parts, place, pictures)
        self._files += 1
        return len(parts)

    def _require_like_before(self, take: Take, pictures: Pictures, path: Path) -> None:
        """Raises BadData where pictures are other than those before, and leaves none of them."""
        size = pictures.size
        if self._codec and (size, pictures.codec) != (self._size, self._codec):
            path.unlink()
            raise BadData(
                f"{take.folder} has pictures of {size[1]}x{size[0]} in {pictures.codec}, and those "
                f"before of {self._size[1]}x{self._size[0]} in {self._codec}",
                "export recordings of one size",
            )

    def finish(self) -> dict[str, int]:
        """Write what is known of all; gives how many episodes, frames and tasks there are.

        Raises:
            BadData: No take had an episode.
        """
        if self._hz is None:
            raise BadData("nothing was exported: no recording has rows enough for an episode")
        counts = {
            "total_episodes": len(self._episodes), "total_frames": self._frames,
            "total_tasks": len(self._tasks),
        }  # fmt: skip
        info = {
            "codebase_version": layout.VERSION, "robot_type": "gamepad", **counts,
            "chunks_size": layout.FILES_A_CHUNK, "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200, "fps": int(self._hz) if self._hz % 1 == 0 else self._hz,
            "splits": {"train": f"0:{len(self._episodes)}"}, "data_path": layout.DATA,
            "video_path": layout.VIDEO,
            "features": layout.features(*self._size, self._hz, self._codec),
            "nitropilot": {"action_shift": self._shift},
        }  # fmt: skip
        self._write_tables()
        for name, value in ((layout.STATS, self._stats.facts()), (layout.INFO, info)):
            (self._root / name).write_text(json.dumps(value, indent=4) + "\n", encoding="utf-8")
        return counts

    def _parts(self, take: Take) -> list[tuple[int, int]]:
        """First row and the one after the last of each stretch that is long enough."""
        stretch = take.column("stretch").astype(np.int64)
        edges = [0, *(np.flatnonzero(np.diff(stretch)) + 1).tolist(), len(stretch)]
        shown = take.column("frame_index").astype(np.int64)
        apart = any((np.diff(shown[begin:end]) != 1).any() for begin, end in pairwise(edges))
        if apart and take.view == WHOLE:
            raise BadData(
                f"{take.folder} has not one picture a row, which this layout needs: its video has "
                "another rate than its rows",
                "leave it out",
            )
        return [
            (begin, end - self._shift)
            for begin, end in pairwise(edges)
            if end - begin > self._shift
        ]

    def _write_rows(
        self,
        take: Take,
        parts: list[tuple[int, int]],
        place: dict[str, int],
        pictures: Pictures,
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        actions, hz = action_vectors(take), take.hz
        task = self._tasks.setdefault(take.game, len(self._tasks))
        shown = pictures.places
        masks = [side for mask in pictures.masks for side in mask]
        columns: dict[str, list[Any]] = {name: [] for name in self._schema().names}
        for begin, end in parts:
            count, episode = end - begin, len(self._episodes)
            acted = slice(begin + self._shift, end + self._shift)
            new: dict[str, Any] = {
                "action": list(actions[acted]), "timestamp": np.arange(count) / hz,
                "frame_index": np.arange(count), "episode_index": np.full(count, episode),
                "index": self._frames + np.arange(count), "task_index": np.full(count, task),
            }  # fmt: skip
            for name in layout.OURS:
                column = name.removeprefix("nitropilot.")
                rows = slice(begin, end) if column in ("frame_time", "frame_repeated") else acted
                new[name] = take.column(column)[rows]
            for name, values in new.items():
                columns[name].extend(values)
            self._stats.add(new)
            said = self._episode(take, (episode, count), place, shown[begin] / hz)
            self._episodes.append({**said, layout.MASKS: masks})
            self._frames += count
        path = self._root / layout.DATA.format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns, schema=self._schema()), path)

    def _episode(
        self, take: Take, which: tuple[int, int], place: dict[str, int], began: float
    ) -> dict[str, Any]:
        """An episode's row of the table of episodes; its frames are where its rows are."""
        number, count = which
        video = f"videos/{layout.KEY}/"
        return {
            "episode_index": number, "tasks": [take.game], "length": count,
            "dataset_from_index": self._frames, "dataset_to_index": self._frames + count,
            **{f"data/{name}": value for name, value in place.items()},
            **{f"{video}{name}": value for name, value in place.items()},
            f"{video}from_timestamp": began, f"{video}to_timestamp": began + count / take.hz,
            "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0,
            "nitropilot.recording": take.id, "nitropilot.first_frame": round(began * take.hz),
        }  # fmt: skip

    def _write_tables(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._root / layout.EPISODES.format(chunk_index=0, file_index=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        episodes = pa.Table.from_pylist(self._episodes)
        masks = pa.array([each[layout.MASKS] for each in self._episodes], pa.list_(pa.float64()))
        at = episodes.schema.get_field_index(layout.MASKS)
        pq.write_table(episodes.set_column(at, layout.MASKS, masks), path)
        tasks = pa.table({"task_index": [*self._tasks.values()], "task": [*self._tasks]})
        # Its reader takes tasks for the index of a pandas frame.
        kinds = (("task_index", "int64", "int64"), ("task", "unicode", "object"))
        columns = [
            {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy,
             "metadata": None}
            for name, kind, numpy in kinds
        ]  # fmt: skip
        said = {"index_columns": ["task"], "column_indexes": [], "columns": columns}
        pq.write_table(
            tasks.replace_schema_metadata({"pandas": json.dumps(said)}), self._root / layout.TASKS
        )

    def _schema(self) -> Any:
        import pyarrow as pa

        kinds = {"float32": pa.float32(), "float64": pa.float64(), "int64": pa.int64(),
                 "bool": pa.bool_(), "string": pa.string()}  # fmt: skip
        plain = {**layout.THEIRS, **layout.OURS}
        action = pa.field("action", pa.list_(pa.float32(), len(layout.CHANNELS)))
        return pa.schema([action, *(pa.field(name, kinds[kind]) for name, kind in plain.items())])


def action_vectors(take: Take) -> NDArray[np.float32]:
    """The actions of a take, ``rows x CHANNELS``."""
    buttons = [take.column(name).astype(np.float32)[:, None] for name in PUBLISHED_BUTTONS]
    sticks = [np.array(take.rows[name].to_pylist(), np.float32).reshape(-1, 2) for name in STICKS]
    pulls = [take.column(name).astype(np.float32)[:, None] for name in layout.PULLS]
    return np.concatenate([*buttons, *sticks, *pulls], axis=1)
