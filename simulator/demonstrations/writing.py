"""``EpisodeWriter``: an episode as a recording (``records.format``), picture by picture.

A recording of play has a thread that grabs and one that encodes; here the game waits, so both
are done in the step.  What is not finished leaves nothing.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from nitropilot.records.format import FACTS, FORMAT, PART, VIDEO, Source
from nitropilot.records.rows import Row
from nitropilot.records.writer import RowLog, new_id, write_json
from nitropilot.simulator.environments.task_env import HZ
from nitropilot.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.environments.task_env import Image

SHOWN = 0.9
"""Where in its tick a picture is taken: when all of the tick has been played."""
STREAM = {"preset": "ultrafast", "crf": "20", "g": str(HZ)}


class EpisodeWriter:
    """Writes one episode; ``finish`` gives it its name, ``drop`` leaves nothing of it.

    Args:
        root: The folder of all recordings.
        session: Of the command: eight hexadecimal digits.
        game: What is played.
        size: Height and width of the pictures, both even.
        facts: More for ``recording.json``.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(
        self, root: Path, session: str, game: str, size: tuple[int, int], facts: dict[str, Any]
    ) -> None:
        self.id = new_id(root, session)
        self.folder = root / self.id
        self._part = root / f"{self.id}{PART}"
        self._part.mkdir(mode=0o700)
        self._began = datetime.now(UTC)
        self._facts = {
            "format": FORMAT, "id": self.id, "session": session, "game": game,
            "nitropilot": __version__, "fps": float(HZ), "started": _text(self._began), **facts,
        }  # fmt: skip
        self._rows = RowLog(self._part, Source(self.id, game, float(HZ), size))
        self._size = size
        self._video = av.open(str(self._part / VIDEO), "w", format="mp4")
        self._stream = self._video.add_stream("libx264", rate=Fraction(HZ), options={**STREAM})
        self._stream.height, self._stream.width = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.thread_count = 1
        self.frames = 0

    def add(self, state: GamepadState, picture: Image, taught: bool) -> None:
        """One tick.

        Args:
            state: What was pressed in it.
            picture: What was shown at its end, ``H x W x 3``.
            taught: Whether it is to be learned; if not its source is ``none``.
        """
        sent = self._began.timestamp() + self.frames / HZ
        (left_x, left_y), (right_x, right_y) = state.left, state.right
        self._rows.add(
            Row(
                frame_index=self.frames, frame_time=round(sent + SHOWN / HZ, 6),
                sent_time=round(sent, 6), stretch=0, source="agent" if taught else "none",
                policy_chunk=-1, policy_action=-1, frame_repeated=False,
                left_x=left_x, left_y=left_y, right_x=right_x, right_y=right_y,
                trigger_left=state.left_trigger, trigger_right=state.right_trigger,
                buttons=int(state.buttons),
            )
        )  # fmt: skip
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self.frames
        self._video.mux(self._stream.encode(frame))
        self.frames += 1

    def finish(self, reason: str) -> Path:
        """Write what is left, and give the folder its name."""
        self._video.mux(self._stream.encode(None))
        self._video.close()
        self._rows.close()
        facts = self._facts | {
            "resolution": list(self._size), "frames": self.frames, "repeated": 0,
            "chunks": self._rows.chunks, "seconds": self.frames / HZ,
            "ended": _text(datetime.now(UTC)), "reason": reason,
        }  # fmt: skip
        write_json(self._part / FACTS, facts)
        self._part.rename(self.folder)
        return self.folder

    def drop(self) -> None:
        """Leave nothing of it; does nothing once it has its name."""
        if self._part.exists():
            self._rows.release()
            self._video.close()
            shutil.rmtree(self._part, ignore_errors=True)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
