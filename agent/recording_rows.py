"""The rows of a recording: one for each video frame, in the layout of the published data set.

    <id>/
      video.mp4                        what the game showed, nothing drawn on it
      recording.json                   facts about the whole
      <id>_chunk_0000/
        actions_raw.parquet            20 s: one row a frame
        metadata.json                  facts about these 20 s

Columns as published: 17 buttons (bool), ``j_left`` and ``j_right`` ([x, y] in [-1, 1],
negative y is up).  Ours beside them, which readers of the published columns do not see:

    frame_index                        the frame of ``video.mp4``, from 0
    sent_time                          when the state was sent, seconds since 1970
    source                             ``agent``, ``human``, or ``none`` (nothing was there to send)
    trigger_left, trigger_right        how far the triggers were pulled, 0 to 1
    policy_chunk, policy_action        which action of which chunk it was; -1 for none
    frame_repeated                     whether the frame shows the picture of the one before

A row is first a line of ``tail.jsonl``; when 20 s are full they become a chunk's folder,
written beside and renamed, and the tail begins anew.  So a process that is killed loses no
row, and what has its name is complete.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, fields
from typing import IO, TYPE_CHECKING, Any

from agent.errors import RecordingError
from agent.mapping import TOKEN_BUTTONS
from controller.state import Button, GamepadState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

CHUNK_S = 20
ACTIONS, METADATA, TAIL = "actions_raw.parquet", "metadata.json", "tail.jsonl"
PUBLISHED_BUTTONS = (
    "back", "dpad_down", "dpad_left", "dpad_right", "dpad_up", "east", "guide", "left_shoulder",
    "left_thumb", "left_trigger", "north", "right_shoulder", "right_thumb", "right_trigger",
    "south", "start", "west",
)  # fmt: skip
TRIGGER_PRESSED = 30 / 255
"""A trigger pulled further than this is pressed: XInput's own threshold."""
SOURCES = ("agent", "human", "none")


@dataclass(frozen=True)
class Row:
    """What was sent while a frame was shown; see the module's docstring."""

    frame_index: int
    sent_time: float
    source: str
    policy_chunk: int
    policy_action: int
    frame_repeated: bool
    left_x: float
    left_y: float
    right_x: float
    right_y: float
    trigger_left: float
    trigger_right: float
    buttons: int

    @classmethod
    def of(cls, state: GamepadState, frame_index: int, **facts: Any) -> Row:
        """The row for a pad state, whose sticks have y up."""
        return cls(
            frame_index=frame_index,
            left_x=state.left[0],
            left_y=state.left[1],
            right_x=state.right[0],
            right_y=state.right[1],
            trigger_left=state.left_trigger,
            trigger_right=state.right_trigger,
            buttons=int(state.buttons),
            **facts,
        )

    @classmethod
    def parse(cls, line: str) -> Row:
        """A line of the tail.

        Raises:
            ValueError, TypeError: It is cut off, or is none.
        """
        values = json.loads(line)
        if len(values) != len(fields(cls)):
            raise ValueError(f"{len(values)} values")
        return cls(*values)

    def line(self) -> str:
        """The row as a line of the tail."""
        return json.dumps(list(asdict(self).values()), separators=(",", ":")) + "\n"

    def pressed(self) -> set[str]:
        """Published names of what is pressed."""
        held = Button(self.buttons)
        names = {token.lower() for token, button in TOKEN_BUTTONS.items() if button in held}
        if self.trigger_left > TRIGGER_PRESSED:
            names.add("left_trigger")
        if self.trigger_right > TRIGGER_PRESSED:
            names.add("right_trigger")
        return names


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
        """Rows of a full chunk."""
        return max(round(CHUNK_S * self.fps), 1)

    def chunk_name(self, number: int) -> str:
        """The folder of a chunk."""
        return f"{self.id}_chunk_{number:04d}"


class RowLog:
    """Appends rows to a recording's folder.  Used from one thread.

    Args:
        folder: The recording's folder.
        source: What it is of.

    Attributes:
        chunks: Chunks that are closed.
    """

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder = folder
        self.source = source
        self.chunks = 0
        self._rows: list[Row] = []
        self._tail: IO[str] = (folder / TAIL).open("w", encoding="utf-8")

    def add(self, row: Row) -> None:
        """Append a row and hand it to the operating system; closes a chunk that is full.

        Raises:
            OSError: The disk is full.
        """
        self._tail.write(row.line())
        self._tail.flush()
        self._rows.append(row)
        if len(self._rows) == self.source.chunk_rows:
            self._close_chunk()

    def close(self) -> None:
        """Write what is left as the last chunk.

        Raises:
            OSError: The disk is full.
        """
        if self._rows:
            self._close_chunk()
        self._tail.close()
        (self.folder / TAIL).unlink(missing_ok=True)

    def release(self) -> None:
        """Let the file go without finishing anything."""
        self._tail.close()

    def _close_chunk(self) -> None:
        write_chunk(self.folder, self.source, self.chunks, table_of(self._rows))
        self.chunks += 1
        self._rows = []
        # Rows that a crash leaves in both places are told apart by their frame.
        self._tail.seek(0)
        self._tail.truncate()


def require_pyarrow() -> None:
    """Raise unless Parquet files can be written.

    Raises:
        RecordingError: pyarrow is not there, or does not load.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise RecordingError(
            f"actions cannot be recorded: {error}", "install it with: pip install pyarrow"
        ) from error


def table_of(rows: Sequence[Row]) -> pa.Table:
    """Rows as a table with the published columns and ours."""
    import pyarrow as pa

    pressed = [row.pressed() for row in rows]
    columns: dict[str, pa.Array] = {
        name: pa.array([name in held for held in pressed], pa.bool_()) for name in PUBLISHED_BUTTONS
    }
    stick = pa.list_(pa.float64())
    columns["j_left"] = pa.array([[row.left_x, 0.0 - row.left_y] for row in rows], stick)
    columns["j_right"] = pa.array([[row.right_x, 0.0 - row.right_y] for row in rows], stick)
    for name, kind in (
        ("frame_index", pa.int64()),
        ("sent_time", pa.float64()),
        ("source", pa.string()),
        ("trigger_left", pa.float64()),
        ("trigger_right", pa.float64()),
        ("policy_chunk", pa.int64()),
        ("policy_action", pa.int64()),
        ("frame_repeated", pa.bool_()),
    ):
        columns[name] = pa.array([getattr(row, name) for row in rows], kind)
    return pa.table(columns)


def write_chunk(folder: Path, source: Source, number: int, table: pa.Table) -> None:
    """Write a chunk's folder beside and give it its name; one of that name is replaced.

    Raises:
        OSError: The disk is full.
    """
    import pyarrow.parquet as pq

    final = folder / source.chunk_name(number)
    part = final.with_name(final.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    pq.write_table(table, part / ACTIONS)
    write_json(part / METADATA, metadata(source, number, table.num_rows))
    if final.exists():
        shutil.rmtree(final)
    part.rename(final)


def metadata(source: Source, number: int, rows: int) -> dict[str, Any]:
    """A chunk's ``metadata.json``: the published keys.

    ``end_frame`` is exclusive.  Nothing is drawn over the frames, so the overlay's box is
    empty and the game is all there is to see.
    """
    first = number * source.chunk_rows
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
            "start_time": first / source.fps,
            "end_time": (first + rows) / source.fps,
            "duration": rows / source.fps,
            "start_frame": first,
            "end_frame": first + rows,
        },
        "bbox_controller_overlay": [0, 0, 0, 0],
        "bbox_game_area": {"xtl": 0.0, "ytl": 0.0, "xbr": 1.0, "ybr": 1.0},
    }


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object beside and give the file its name."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
