"""``Kept``: a decision on the disk, in a file that can be read however suddenly it ends.

A file begins with ``MAGIC``.  A record is three numbers (``PREFIX``: bytes of its body, bytes of
the body's head, CRC-32 of the body), and a body of

    head       JSON: {"i": number, "dropped": d, "shape": [T, A], "joined": whether a prefix was}
    numbers    float32: actions T x A, noise T x A, and the prefix's actions T x A and weights T
    picture    one packet of H.264 without loss: the context frames one below the other

Pictures say what has changed since the one before, so what follows a damaged record is lost.  The
last record of a whole file has an empty body.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from nitropilot.agent.errors import ReplayError
from nitropilot.engines.base import Prefix, Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.engines.base import Array

MAGIC = b"nitropilot decisions 1\n"
PREFIX = struct.Struct("<III")
LAST = PREFIX.pack(0, 0, 0)
"""Ends a whole file."""
FLOATS = np.dtype("<f4")
CODEC = {"preset": "ultrafast", "qp": "0", "tune": "zerolatency"}
"""H.264 without loss, each picture at once: a third of what PNG files of a game would take, and
quicker."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A decision that was kept.

    Attributes:
        number: Of its chunk.
        request: What the engine was asked, without game and guidance.
        actions: What it answered, ``T x A`` float32, every bit.
    """

    number: int
    request: Request
    actions: Array


class CutOff(ReplayError):
    """A file of decisions has no end, and no damage up to there."""


class RecordWriter:
    """Makes the records of one file; all pictures have the size of the first.

    Args:
        picture: The first one, ``H x W x 3`` RGB.
    """

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        import av

        self._count = 0
        self._codec: Any = av.CodecContext.create("libx264rgb", "w")
        self._codec.height, self._codec.width = picture.shape[:2]
        self._codec.pix_fmt = "rgb24"
        self._codec.time_base = Fraction(1, 60)
        self._codec.options = {**CODEC}
        self._codec.thread_count = 1

    def record(self, kept: Kept) -> bytes:
        """The next record."""
        request, prefix = kept.request, kept.request.prefix
        head = {
            "i": kept.number, "dropped": request.dropped, "shape": list(kept.actions.shape),
            "joined": prefix is not None,
        }  # fmt: skip
        arrays = [kept.actions, request.noise]
        arrays += [] if prefix is None else [prefix.actions, prefix.weights]
        packed = json.dumps(head).encode()
        body = packed + b"".join(np.asarray(one, FLOATS).tobytes() for one in arrays)
        body += self._packet(picture_of(request))
        return PREFIX.pack(len(body), len(packed), zlib.crc32(body)) + body

    def _packet(self, picture: NDArray[np.uint8]) -> bytes:
        import av

        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._count
        self._count += 1
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


def read_kept(path: Path) -> Iterator[Kept]:
    """The decisions of one file, as far as it can be read.

    Raises:
        CutOff: It ended before its end; after what came before.
        ReplayError: It is damaged; after what can be read.
        OSError: It cannot be read.
    """
    import av

    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    waiting: deque[tuple[dict[str, Any], Array]] = deque()
    failure: ReplayError | None = None
    count = 0
    bodies = _bodies(path)
    while True:
        packet = None
        try:
            head, numbers, picture = _parts(next(bodies))
            waiting.append((head, numbers))
            packet = av.Packet(picture)
        except StopIteration:
            pass
        except ReplayError as error:
            failure = error
        except (ValueError, LookupError, TypeError) as error:
            failure = _damaged(path, count + len(waiting), str(error))
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError as error:
            raise _damaged(path, count, f"its picture: {error}") from error
        for frame in frames:
            yield _kept(*waiting.popleft(), np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
            count += 1
        if packet is None:
            break
    if failure is None and waiting:
        failure = _damaged(path, count, "a picture is missing")
    if failure is not None:
        raise failure


def _bodies(path: Path) -> Iterator[tuple[bytes, int]]:
    """The bodies of a file's records, each with the bytes of its head."""
    with path.open("rb") as file:
        if (begin := file.read(len(MAGIC))) != MAGIC:
            if MAGIC.startswith(begin):
                raise _cut_off(path, 0)
            raise ReplayError(
                f"{path} holds no decisions, or those of another version of NitroPilot",
                "replay it with the version that played",
            )
        count = 0
        while (prefix := file.read(PREFIX.size)) != LAST:
            if len(prefix) < PREFIX.size:
                raise _cut_off(path, count)
            length, head, checksum = PREFIX.unpack(prefix)
            body = _read(file, length)
            if body is None:
                raise _cut_off(path, count)
            if zlib.crc32(body) != checksum or head > length:
                raise _damaged(path, count, "its checksum is another")
            count += 1
            yield body, head
        if file.read(1):
            raise _damaged(path, count, "something follows the end")


def _read(file: IO[bytes], length: int) -> bytes | None:
    """So many bytes; None where there are not as many.  A damaged length takes no memory."""
    here = file.tell()
    there = file.seek(0, 2) - here
    file.seek(here)
    return file.read(length) if length <= there else None


def _parts(body: tuple[bytes, int]) -> tuple[dict[str, Any], Array, bytes]:
    """Head, numbers and picture of a record."""
    content, split = body
    head = json.loads(content[:split])
    steps, channels = head["shape"]
    count = steps * channels * 2 + (steps * channels + steps if head["joined"] else 0)
    numbers = np.frombuffer(content, FLOATS, count, split).astype(np.float32)
    return head, numbers, content[split + numbers.nbytes :]


def _kept(head: dict[str, Any], numbers: Array, picture: NDArray[np.uint8]) -> Kept:
    shape = steps, channels = tuple(head["shape"])
    actions, noise, *joined = np.split(numbers, [steps * channels * n for n in (1, 2, 3)])
    prefix = Prefix(joined[0].reshape(shape), joined[1]) if head["joined"] else None
    request = Request(
        observation_of(picture), noise.reshape(shape), int(head["dropped"]), prefix=prefix
    )
    return Kept(int(head["i"]), request, actions.reshape(shape))


def picture_of(request: Request) -> NDArray[np.uint8]:
    """The frames that a request shows, ``F S x S x 3``: what they were before they were scaled."""
    frames = np.rint((request.observation + 1.0) * 127.5).astype(np.uint8)
    return np.ascontiguousarray(np.concatenate(list(frames.transpose(0, 2, 3, 1))))


def observation_of(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The reverse of ``picture_of``: bit for bit what ``policy.observation`` makes."""
    side = picture.shape[1]
    frames = picture.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
    planes = np.ascontiguousarray(frames, dtype=np.float32)
    planes *= 2.0 / 255.0
    planes -= 1.0
    return planes


def _cut_off(path: Path, count: int) -> CutOff:
    return CutOff(
        f"{path} ends after {count} decisions: the play was killed or had no room, or it was "
        "cut off",
        "copy it again if it was copied; what was there was read",
    )


def _damaged(path: Path, count: int, why: str) -> ReplayError:
    return ReplayError(
        f"{path} is damaged after {count} decisions: {why}",
        "copy it again if it was copied; what came before was read",
    )
