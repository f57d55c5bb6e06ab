"""Mend recordings whose process was killed, or that failed: as much as is whole becomes complete.

The video is in fragments of a second, the rows are in closed chunks and in the tail; of what
is left of both, the shorter counts, so that there is one row for each frame again.  Mending
may itself be killed at any point and is then simply done again.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from contextlib import closing
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from zlib import crc32

import psutil

from nitropilot.records.errors import DamagedRecording, RecordsError
from nitropilot.records.format import FACTS, ID, METADATA, PART, TAIL, VIDEO, Source
from nitropilot.records.reader import count_rows, read_facts, read_rows, read_tail
from nitropilot.records.rows import table_of
from nitropilot.records.writer import chunks_of, write_chunk, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from av.packet import Packet
    from av.video.stream import VideoStream

    VideoPacket = Packet[VideoStream]

log = logging.getLogger("nitropilot.recording")

PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES)
"""What keeps a whole file from being read, and may not do so the next time."""
UNFINISHED = "the program that recorded was killed, or its disk was full"
"""What is known of one that was left so."""


def recover(root: Path, tell: Callable[[str], None] = log.error) -> list[str]:
    """Mend every unfinished recording that nobody writes any more.

    Args:
        root: The folder of all recordings.
        tell: Is told of each that could not be mended.

    Returns:
        Ids of those that are complete now.
    """
    mended = []
    for part in sorted(root.glob(f"*{PART}")) if root.is_dir() else []:
        if not ID.fullmatch(part.name.removesuffix(PART)) or not part.is_dir():
            continue
        if part.is_symlink() or is_written(part):
            continue
        try:
            if mend(part, UNFINISHED) is not None:
                mended.append(part.name.removesuffix(PART))
        except (OSError, RecordsError, ValueError) as error:
            tell(f"the recording {part} could not be mended: {error}")
    return mended


def mend(part: Path, reason: str) -> Path | None:
    """Complete one unfinished recording.

    Args:
        part: Its folder, ``<id>.part``.
        reason: Why it ended, for ``recording.json``.

    Returns:
        The complete folder; None when there was nothing to keep, and it was removed.

    Raises:
        RecordsError: Its folder holds no facts that can be read, or they are another's.
        OSError: The disk is full.
    """
    facts = _facts(part)
    _claim(part, facts)
    source = Source(str(facts["id"]), str(facts["game"]), float(facts["fps"]))
    rows = _rows(part, source)
    times, source.size = _copy_video(part, rows)
    frames = len(times)
    count = min(rows, frames)
    if count == 0:
        log.warning("the recording %s ended before its first second: it is removed", part.name)
        shutil.rmtree(part)
        return None
    chunks = _cut_rows(part, source, times[:count])
    with (part / f"{VIDEO}.mended").open("r+b") as copy:
        os.fsync(copy.fileno())  # before what it was made of goes
    (part / f"{VIDEO}.mended").replace(part / VIDEO)
    (part / f"{VIDEO}{PART}").unlink(missing_ok=True)
    facts |= {
        "resolution": list(source.size), "frames": count, "chunks": chunks,
        "seconds": count / source.fps, "reason": reason, "mended": True,
        "rows_dropped": rows - count, "frames_dropped": frames - count,
    }  # fmt: skip
    write_json(part / FACTS, facts)
    for beside in part.glob(f"{source.id}_chunk_*{PART}"):  # whoever wrote it was killed
        shutil.rmtree(beside)
    (part / TAIL).unlink(missing_ok=True)
    final = part.with_name(part.name.removesuffix(PART))
    part.rename(final)
    log.warning("the recording %s was mended: %d frames (%s)", final.name, count, reason)
    return final


def _facts(part: Path) -> dict[str, Any]:
    facts = read_facts(part)
    if facts["id"] != part.name.removesuffix(PART):
        raise DamagedRecording(f"{part / FACTS} belongs to another recording")
    return facts


def is_written(part: Path) -> bool:
    """Whether the process that began it still runs."""
    try:
        writer = json.loads((part / FACTS).read_text("utf-8"))["writer"]
        process = psutil.Process(int(writer["pid"]))
        return abs(process.create_time() - float(writer["started"])) < 1.0
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _claim(part: Path, facts: dict[str, Any]) -> None:
    """Let others see that this process is at it."""
    facts["writer"] = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    write_json(part / FACTS, facts)


def _rows(part: Path, source: Source) -> int:
    """Whole rows of a folder; a damaged chunk and what is after it are removed."""
    rows, number = _closed(part, source)
    tail = read_tail(part, rows)
    for more, chunk in enumerate(chunks_of(tail, source)):
        write_chunk(part, source, number + more, table_of(chunk))
    return rows + len(tail)


def _closed(part: Path, source: Source) -> tuple[int, int]:
    """Rows in closed chunks, and the number of these."""
    chunks = _named(part, source)
    rows = 0
    for number, chunk in enumerate(chunks):
        try:
            found = count_rows(chunk)
        except DamagedRecording:
            found = 0
        if found == 0 or read_tail(part, rows):
            # Damaged, or made of what the tail still holds: nothing after it can be lined up.
            for later in reversed(chunks[number:]):
                shutil.rmtree(later)
            return rows, number
        rows += found
    return rows, len(chunks)


def _named(part: Path, source: Source) -> list[Path]:
    """The chunks of a folder; one that was whole and had not got its name yet gets it."""
    found: list[Path] = []
    while True:
        chunk = part / source.chunk_name(len(found))
        beside = chunk.with_name(chunk.name + PART)
        if not chunk.is_dir() and (beside / METADATA).is_file():
            beside.rename(chunk)
        if not chunk.is_dir():
            return found
        found.append(chunk)


def _copy_video(part: Path, most: int) -> tuple[list[float], tuple[int, int]]:
    """Copy at most so many whole frames into a clean file.

    Returns:
        At which second of it each is shown, and their height and width.

    What cannot be read any more is the end of the video.  What cannot be written is not: the source
    stays as it is, for another try where there is room.

    Raises:
        OSError: The copy cannot be written, or is not what was read.
    """

    half = part / f"{VIDEO}{PART}"
    old = half if half.exists() else part / VIDEO
    new = part / f"{VIDEO}.mended"
    if old.exists():
        os.truncate(old, _whole_length(old))
    with closing(_packets(old)) as whole:
        packets = islice(whole, most)
        first = next(packets, None)
        if first is None:
            return [], (0, 0)
        size = first.stream.height, first.stream.width
        copied = _copy(first, packets, new)
    found = [(crc32(packet), _second(packet)) for packet in _packets(new)]
    if [checksum for checksum, _ in found] != copied:
        raise OSError(errno.EIO, "the copy is not what was written", str(new))
    return [second for _, second in found], size


def _second(packet: VideoPacket) -> float:
    assert packet.pts is not None, "of a file in which each frame has a time"
    return float(packet.pts * packet.time_base)


def _copy(first: VideoPacket, more: Iterable[VideoPacket], new: Path) -> list[int]:
    """Write frames into a file; a checksum of each.

    Raises:
        OSError: There is no room, or whatever else the disk says.
    """
    import av

    copied = []
    try:
        with av.open(str(new), "w", format="mp4") as now:
            copy = now.add_stream_from_template(first.stream)
            for packet in chain([first], more):
                copied.append(crc32(packet))
                packet.stream = copy
                now.mux(packet)
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror, str(new)) from error
    return copied


def _packets(path: Path) -> Generator[VideoPacket, None, None]:
    """The frames of a video as they are in the file, up to the first that cannot be read.

    Raises:
        OSError: It is not the file that keeps it from being read: to be tried again.
    """
    import av

    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            for packet in container.demux(video):
                if packet.dts is None:
                    return
                yield packet
    except (av.FFmpegError, IndexError) as error:
        if isinstance(error, av.FFmpegError) and error.errno in PASSING:
            raise OSError(error.errno, error.strerror, str(path)) from error
        log.warning("%s: %s", path, error)


def _whole_length(path: Path) -> int:
    """Bytes up to the end of the last whole fragment; decoders stumble over a half one.

    An MP4 file is a row of boxes: 4 bytes of size, 4 of type, and the content; a fragment is a
    ``moof`` box and the ``mdat`` box after it, and a file that was mended has one ``mdat`` with its
    ``moov`` behind it.  A size of 1 stands before one of 8 bytes.
    """
    whole = at = 0
    end = path.stat().st_size
    with path.open("rb") as file:
        while True:
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                return whole
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            if size < 8 or at + size > end:
                return whole
            at += size
            if kind in (b"mdat", b"moov"):
                whole = at


def _cut_rows(part: Path, source: Source, times: list[float]) -> int:
    """Leave the rows of frames of those times, and note these and the video's size; how many
    chunks are left."""
    count = len(times)
    number = kept = first = 0
    while (chunk := part / source.chunk_name(number)).is_dir():
        rows = read_rows(chunk)
        if first >= count:
            shutil.rmtree(chunk)
        else:
            write_chunk(part, source, number, rows.slice(0, count - first), times[first])
            kept += 1
        first += rows.num_rows
        number += 1
    return kept
