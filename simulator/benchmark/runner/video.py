"""``EpisodeVideo``: an MP4 of an episode, one picture a step, with the pad drawn on it.

Written as ``NAME.part`` and given its name when it is complete; fragmented, so that one that was
cut off plays as far as it goes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.agent.errors import RecordingError
from nitropilot.agent.record.drawing import draw_pad

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from nitropilot.controller.state import GamepadState

LEAST = 512
"""Pixels that a picture's longer side has at least; below that a pad cannot be read."""
MOST = 854


class EpisodeVideo:
    """Writes one video.

    Args:
        path: The finished file's.
        hz: Pictures a second.

    Attributes:
        frames: That were written.
    """

    def __init__(self, path: Path, hz: int) -> None:
        self._path, self._hz = path, hz
        self._part = path.with_name(path.name + ".part")
        self._container: Any = None
        self._stream: Any = None
        self.frames = 0

    def put(self, picture: NDArray[np.uint8], state: GamepadState, caption: str = "") -> None:
        """Add a picture, what was pressed while it was made, and a few words.

        Raises:
            RecordingError: It cannot be written.
        """
        import av

        canvas = _scaled(picture)
        draw_pad(canvas, state, caption)
        try:
            if self._container is None:
                self._open(canvas)
            frame = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            frame.pts = self.frames
            self._container.mux(self._stream.encode(frame))
        except (OSError, ValueError) as error:
            raise self._failed(error) from error
        self.frames += 1

    def finish(self) -> None:
        """Write what is waiting, and give the file its name; an empty one is not there.

        Raises:
            RecordingError: It cannot be written.
        """
        if self._container is None:
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._close()
            self._part.replace(self._path)
        except (OSError, ValueError) as error:
            raise self._failed(error) from error

    def drop(self) -> None:
        """Close what is not finished; the ``.part`` file goes.  Safe to call at any time."""
        try:
            self._close()
        except (OSError, ValueError):  # what could not be written, again
            self._container = None
        with suppress(OSError):
            self._part.unlink(missing_ok=True)

    def _open(self, canvas: NDArray[np.uint8]) -> None:
        import av

        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        self._part.parent.mkdir(parents=True, exist_ok=True)
        self._container = av.open(str(self._part), "w", format="mp4", options=options)
        self._stream = self._container.add_stream("libx264", rate=self._hz)
        self._stream.height, self._stream.width = canvas.shape[:2]
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"preset": "ultrafast", "crf": "24", "g": str(self._hz)}
        self._stream.codec_context.thread_count = 1

    def _close(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _failed(self, error: Exception) -> RecordingError:
        return RecordingError(
            f"cannot record {self._part}: {error}", "free some room, or leave --video out"
        )


def _scaled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy to draw on, in a size that a pad can be read in; sides are even, as codecs want it."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    scale = max(-(-LEAST // longer), 1) if longer < LEAST else min(MOST / longer, 1.0)
    size = (round(width * scale) // 2 * 2, round(height * scale) // 2 * 2)
    if size == (width, height):
        return picture.copy()
    way = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)
