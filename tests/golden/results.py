"""What a session leaves on the disk, and the pictures that it painted for that."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pyarrow.parquet as pq

from nitropilot.agent.record.trace import read_trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDE, HIGH = 8, 6


def results_of(folder: Path, recordings: Path) -> dict[str, Any]:
    """The files of a session and all recordings, as JSON values."""
    return {
        "trace": list(read_trace(folder / "trace.jsonl.gz")),
        "files": sorted(path.name for path in folder.iterdir()),
        "video": _video(folder / "video.mp4"),
        "recordings": [_recording(one) for one in sorted(recordings.glob("*"))],
    }


def _video(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        count = sum(1 for _ in container.decode(stream))
        return {"frames": count, "size": [stream.width, stream.height],
                "rate": str(stream.average_rate)}  # fmt: skip


def _recording(folder: Path) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found: dict[str, Any] = {"files": [str(path.relative_to(folder)) for path in files]}
    for path in files:
        if path.suffix == ".json":
            found[path.name] = json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".parquet":
            found[path.name] = _table(path)
        elif path.suffix == ".mp4":
            found[path.name] = _video(path)
    return found


def _table(path: Path) -> dict[str, Any]:
    """Columns; of the buttons only the names of those that are pressed."""
    table = pq.read_table(path)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    flags = [name for name, values in columns.items() if isinstance(values[0], bool)]
    rows = range(table.num_rows)
    pressed = [" ".join(name for name in flags if columns[name][row]) for row in rows]
    others = {name: values for name, values in columns.items() if name not in flags}
    return {"schema": [f"{field.name}: {field.type}" for field in table.schema],
            "pressed": pressed, **others}  # fmt: skip


class Drawings:
    """For a block, every picture that is given to an encoder is noted.

    Attributes:
        found: For each stream its number of pictures, and for each picture that differs from
            the one before a digest and a grid of its brightness.
    """

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._threads: dict[int, int] = {}
        self._really = av.VideoFrame.from_ndarray

    def __enter__(self) -> Drawings:
        really = self._really

        def note(array: NDArray[np.uint8], *args: Any, **options: Any) -> av.VideoFrame:
            self._note(array)
            return really(array, *args, **options)

        av.VideoFrame.from_ndarray = staticmethod(note)  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        av.VideoFrame.from_ndarray = self._really  # type: ignore[method-assign]

    def _note(self, picture: NDArray[np.uint8]) -> None:
        stream = self.found.setdefault(
            self._name(), {"size": list(picture.shape), "digests": [], "grid": []}
        )
        digest = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
        if not stream["digests"] or stream["digests"][-1] != digest:
            stream["grid"].append(grid_of(picture))
        stream["digests"].append(digest)

    def _name(self) -> str:
        """One for each thread that encodes, in the order in which they came."""
        number = self._threads.setdefault(threading.get_ident(), len(self._threads))
        return f"stream {number}"


def grid_of(picture: NDArray[np.uint8]) -> list[int]:
    """The brightness of a picture, roughly: of its lower right quarter, where the pad is."""
    height, width = picture.shape[:2]
    quarter = picture[height // 2 :, width // 2 :]
    grey = cv2.resize(quarter, (WIDE, HIGH), interpolation=cv2.INTER_AREA).mean(axis=-1)
    return [round(float(value)) for value in grey.ravel()]


def grid_of_jpeg(jpeg: bytes) -> list[int]:
    """That of a JPEG file."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return [*picture.shape, *grid_of(picture)]
