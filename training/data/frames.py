"""The frames that samples need, decoded once and kept small in a file that is mapped.

A training step reads its frames from the page cache, whatever their order; decoding a video at
every frame that is wanted would take a second for each.  A file holds the frames of one recording
at one size, in the order of the video; it is written beside and renamed, and its name says what
it was made from, so that another run with the same wishes takes it as it is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.observation import shrink
from nitropilot.records.errors import DamagedRecording, RecordsError
from nitropilot.records.format import PART
from nitropilot.training.data.recordings import ABSENT
from nitropilot.training.errors import NotWritten
from nitropilot.training.formats.video import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.training.data.damage import OnDamage
    from nitropilot.training.data.recordings import Clip

GIB = 2**30
SPARE = GIB // 4
"""Bytes of a disk that are left to others."""


class Frames:
    """The frames of one clip.

    Args:
        path: The file that holds them.
        wanted: Which frames of the video they are, in order.
    """

    def __init__(self, path: Path, wanted: NDArray[np.int64]) -> None:
        self._pictures: NDArray[np.uint8] = np.load(path, mmap_mode="r")
        self._wanted = wanted

    def take(self, frames: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Frames of the video as ``F x S x S x 3``; zeros for those that do not exist."""
        places = np.searchsorted(self._wanted, np.maximum(frames, self._wanted[0]))
        pictures = np.asarray(self._pictures[places])
        pictures[frames == ABSENT] = 0
        return pictures


def open_frames(
    clips: Sequence[Clip],
    size: int,
    folder: Path,
    on_damage: OnDamage,
    workers: int = 1,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[tuple[Clip, Frames]]:
    """Decode what is not there yet.

    Args:
        clips: Whose frames; those without samples are left out.
        size: Side S of a frame in pixels.
        folder: Where the files are kept; made if missing.
        on_damage: Is asked about each whose video cannot be decoded.
        workers: Recordings that are decoded at a time.
        tell: Is told how many are done, of how many.

    Raises:
        NotWritten: There is no room for them.
    """
    there = [clip for clip in clips if len(clip)]
    _require_room(there, size, folder)
    found: list[tuple[Clip, Frames]] = []
    with ThreadPoolExecutor(workers, "decode") as pool:
        waiting = [pool.submit(_kept, clip, size, folder) for clip in there]
        try:
            for number, (clip, kept) in enumerate(zip(there, waiting, strict=True)):
                try:
                    found.append((clip, kept.result()))
                except RecordsError as error:
                    on_damage(clip.folder, error)
                tell(number + 1, len(there))
        finally:
            for kept in waiting:
                kept.cancel()
    return found


def wanted_frames(clip: Clip) -> NDArray[np.int64]:
    """Which frames of its video a clip needs, in order."""
    return np.setdiff1d(clip.frames, [ABSENT])


def _path(clip: Clip, size: int, folder: Path) -> Path:
    video = clip.video.stat()
    made_from = [
        str(clip.video.resolve()), video.st_size, video.st_mtime_ns, size, repr(clip.view),
        hashlib.sha256(wanted_frames(clip).tobytes()).hexdigest(),
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
    return folder / f"{digest[:32]}.npy"  # a name from the data could lead out of the folder


def _require_room(clips: Sequence[Clip], size: int, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise NotWritten(f"cannot make {folder}: {error.strerror}", "name another folder") from None
    missing = [clip for clip in clips if not _path(clip, size, folder).exists()]
    needed = sum(len(wanted_frames(clip)) for clip in missing) * size * size * 3
    if needed + SPARE > free:
        raise NotWritten(
            f"the frames need {needed / GIB:.1f} GiB in {folder}, and {free / GIB:.1f} are free",
            "take a larger --stride, or another folder with --frames-folder",
        )


def _kept(clip: Clip, size: int, folder: Path) -> Frames:
    wanted, path = wanted_frames(clip), _path(clip, size, folder)
    if not path.exists():
        part = path.with_name(path.name + PART)
        try:
            _write(clip, wanted, size, part)
            part.replace(path)
        except OSError as error:
            raise NotWritten(
                f"cannot write {path}: {error.strerror or error}", "make room there"
            ) from error
        finally:
            with suppress(OSError):  # it is there only after a failure
                part.unlink()
    return Frames(path, wanted)


def _write(clip: Clip, wanted: NDArray[np.int64], size: int, part: Path) -> None:
    shape = (len(wanted), size, size, 3)
    with part.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        written = 0
        for picture in decoded(clip.video, wanted):
            file.write(shrink(clip.view.of(picture), size).tobytes())
            written += 1
    if written != len(wanted):
        raise DamagedRecording(f"{clip.video} ends before frame {wanted[written]}")
