"""``DecisionLog``: what the policy was shown and given for each chunk, so that it can be replayed.

Frames are kept without loss, in segments of half a minute: ``decisions/000012.mkv`` holds one
picture for each decision, its context frames one below the other, and ``000012.npz`` the rest of
the request; a segment is complete once the second one has its name.  The oldest segments go when
more than ``keep_s`` is kept.  A thread of its own does all that: nothing waits for it, and what is
too much for it is left out, which is counted.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.agent.errors import ReplayError
from nitropilot.engines.base import Prefix, Request
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

log = logging.getLogger("nitropilot.session")

FOLDER = "decisions"
DAMAGED = (OSError, EOFError, ValueError, LookupError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged segment may raise, beside the decoder's errors."""
SEGMENT_S = 30.0
MOST_WAITING = 64
"""Decisions; each holds a picture."""
CLOSE_S = 10.0
UNSEEN = np.zeros(0, np.float32)
CODEC = {"preset": "ultrafast", "qp": "0"}
"""H.264 without loss: a third of what PNG files of a game would take, and quicker."""


@dataclass
class _Segment:
    """One that is being written."""

    name: str
    began: float
    container: OutputContainer
    stream: VideoStream
    numbers: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


class DecisionLog:
    """Keeps the decisions of one session.

    Args:
        folder: Takes the segments; made when the first one is written.
        keep_s: Seconds of play that are kept; None keeps all.

    Attributes:
        left_out: Decisions that came too quickly, or that could not be written.
    """

    def __init__(self, folder: Path, keep_s: float | None) -> None:
        self.left_out = 0
        self._folder = folder
        self._keep_s = keep_s
        self._count = 0
        self._segment: _Segment | None = None
        self._kept: list[tuple[float, str]] = []
        self._failed = False
        self._letters: Mailbox[tuple[int, Request] | None] = Mailbox()
        self._thread = threading.Thread(target=self._run, name="nitropilot-decisions", daemon=True)
        self._thread.start()

    def put(self, number: int, request: Request) -> None:
        """Keep the request that chunk ``number`` answers.  Never waits, and raises nothing."""
        if self._failed or len(self._letters) >= MOST_WAITING:
            self.left_out += 1
        else:
            self._letters.put((number, request))

    def close(self) -> None:
        """Write what waits.  Safe to call twice."""
        self._letters.put(None)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            while (letter := self._next()) is not None:
                self._write(*letter)
            self._finish()
        except Exception as error:  # noqa: BLE001 - a full disk, say: the play is worth more
            self._failed = True
            log.warning("decisions are not kept any more, for a later replay: %s", error)

    def _next(self) -> tuple[int, Request] | None:
        """The next one; a segment is finished also when nothing is decided any more."""
        while True:
            try:
                return self._letters.get(SEGMENT_S)
            except queue.Empty:
                self._finish()

    def _write(self, number: int, request: Request) -> None:
        picture = picture_of(request)
        if self._segment is not None and time.monotonic() - self._segment.began > SEGMENT_S:
            self._finish()
        if self._segment is None:
            self._segment = self._open(picture)
        segment = self._segment
        segment.container.mux(segment.stream.encode(_frame(picture, len(segment.numbers))))
        segment.numbers.append(number)
        segment.requests.append(replace(request, observation=UNSEEN))  # the picture is written

    def _open(self, picture: NDArray[np.uint8]) -> _Segment:
        import av

        self._folder.mkdir(exist_ok=True)
        name = f"{self._count:06d}"
        self._count += 1
        container = av.open(str(self._folder / f"{name}.mkv"), "w", format="matroska")
        stream = container.add_stream("libx264rgb", rate=60)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "rgb24"
        stream.options = {**CODEC}
        stream.codec_context.thread_count = 1
        return _Segment(name, time.monotonic(), container, stream)

    def _finish(self) -> None:
        """Complete the segment that is being written, and remove what is too old."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        segment.container.mux(segment.stream.encode(None))
        segment.container.close()
        part = self._folder / f"{segment.name}.npz.part"
        with part.open("wb") as file:
            np.savez_compressed(file, **_arrays(segment.numbers, segment.requests))
        part.replace(self._folder / f"{segment.name}.npz")
        self._kept.append((time.monotonic(), segment.name))
        while self._keep_s is not None and self._kept:
            ended, name = self._kept[0]
            if time.monotonic() - ended <= self._keep_s:
                break
            del self._kept[0]
            for suffix in (".npz", ".mkv"):
                (self._folder / f"{name}{suffix}").unlink(missing_ok=True)


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


def kept_decisions(folder: Path) -> Iterator[tuple[int, Request]]:
    """The decisions that are kept in a session's folder, in order, without game and guidance.

    Raises:
        ReplayError: A file of them is damaged or missing.
    """
    import av

    for path in sorted((folder / FOLDER).glob("*.npz")):
        try:
            yield from _read_segment(path)
        except (*DAMAGED, av.FFmpegError) as error:
            raise ReplayError(
                f"what is kept of the session in {path} is damaged: {error}",
                "remove that file: the other parts can still be replayed",
            ) from error


def _read_segment(path: Path) -> Iterator[tuple[int, Request]]:
    import av

    with path.open("rb") as file, np.load(file) as arrays:
        part = {name: arrays[name] for name in arrays.files}
    with av.open(str(path.with_suffix(".mkv"))) as container:
        for place, frame in enumerate(container.decode(video=0)):
            picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            yield int(part["numbers"][place]), _request(picture, part, place)


def remove_decisions(folder: Path) -> None:
    """Remove those of a session's folder."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _frame(picture: NDArray[np.uint8], number: int) -> Any:
    import av

    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts = number
    return frame


def _arrays(numbers: list[int], requests: list[Request]) -> dict[str, Any]:
    joined = [place for place, request in enumerate(requests) if request.prefix is not None]
    prefixes = [request.prefix for request in requests if request.prefix is not None]
    return {
        "numbers": np.array(numbers),
        "noise": np.stack([request.noise for request in requests]),
        "dropped": np.array([request.dropped for request in requests]),
        "joined": np.array(joined, np.int64),
        "prefix_actions": np.array([prefix.actions for prefix in prefixes], np.float32),
        "prefix_weights": np.array([prefix.weights for prefix in prefixes], np.float32),
    }


def _request(picture: NDArray[np.uint8], part: dict[str, Any], place: int) -> Request:
    prefix = None
    (found,) = np.nonzero(part["joined"] == place)
    if len(found):
        prefix = Prefix(part["prefix_actions"][found[0]], part["prefix_weights"][found[0]])
    return Request(
        observation_of(picture), part["noise"][place], int(part["dropped"][place]), prefix=prefix
    )
