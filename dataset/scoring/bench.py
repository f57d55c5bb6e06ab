"""``bench``: a video with a controller in it, read, and held against a recording of the same play.

Beside what the reading reaches stands what is reached without looking: nothing is ever pressed, and
sticks are always in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.dataset.errors import BadVideo
from nitropilot.dataset.extracting.joining import joined
from nitropilot.dataset.output.published import Piece
from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.dataset.scoring.aligning import NotAligned, aligned
from nitropilot.dataset.scoring.scores import Score, by_button, score
from nitropilot.dataset.video.frames import open_video

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.dataset.extracting.one import Located, Ways
    from nitropilot.dataset.output.timing import Frames
    from nitropilot.dataset.reading.reading import Reading
    from nitropilot.dataset.scoring.truth import Truth
    from nitropilot.dataset.video.frames import Video


@dataclass(frozen=True)
class Benched:
    """What a reading reaches.

    Attributes:
        skin: The controller that was found; the one that was there longest.
        found: How well it was.
        frames: How many were compared.
        seconds: Of the video.
        offset: Seconds of the recording before the video begins.
        agreement: How well they go together there; None where the offset was given.
        score: Of the reading.
        blind: Of always off and always in the middle.
        buttons: Of each button that is pressed: its F1, and in how many frames it is down.
    """

    skin: str
    found: float
    frames: int
    seconds: float
    offset: float
    agreement: float | None
    score: Score
    blind: Score
    buttons: dict[str, tuple[float, int]]

    def plain(self) -> dict[str, Any]:
        """For people's programs."""
        return {
            "skin": self.skin, "found": round(self.found, 4), "frames": self.frames,
            "seconds": round(self.seconds, 3),
            "offset": {
                "seconds": round(self.offset, 4), "given": self.agreement is None,
                "agreement": None if self.agreement is None else round(self.agreement, 4),
            },
            "reading": _scored(self.score), "always_off_and_centre": _scored(self.blind),
            "buttons": {
                name: {"f1": round(f1, 4), "frames": count}
                for name, (f1, count) in self.buttons.items()
            },
        }  # fmt: skip


def bench(path: Path, truth: Truth, ways: Ways, offset: float | None = None) -> Benched:
    """Read a video, and hold it against what was pressed.

    Args:
        path: Of the video.
        truth: The recording.
        ways: How controllers are found and read.
        offset: Seconds of the recording before the video begins; None: it is found.

    Raises:
        BadVideo: It cannot be decoded, or there is no controller in it.
        NotAligned: It goes with the recording at no offset, or not at the one that is given.
    """
    video = open_video(path)
    search = ways.locate(video)
    if not search.found:
        raise BadVideo(
            f"no controller is found in {path} (the best that is none scores "
            f"{search.best_score:.2f})",
            "look at `nitropilot dataset template list`, and import the one in the video",
        )
    read = [(found, ways.read(video, found)) for found in search.found]
    frames, _ = joined(video.times, [(r, _piece(f, r, video)) for f, r in read], whole=False)
    outputs = frozenset[str]().union(*(reading.outputs for _, reading in read))
    longest, _ = max(read, key=lambda each: len(each[1].numbers))
    agreement = None
    if offset is None:
        offset, agreement = aligned(frames.times, frames.states, frames.read, truth)
    said, true = _pairs(frames, truth, offset)
    return Benched(
        longest.template.name, float(longest.score), len(said), video.seconds, offset, agreement,
        score(said, true, outputs), score(_nothing(len(said)), true, outputs),
        by_button(said, true, outputs),
    )  # fmt: skip


def _pairs(frames: Frames, truth: Truth, offset: float) -> tuple[PadStates, PadStates]:
    """What was read, and what was pressed, in the frames of which both are known."""
    places, known = truth.at(frames.times + offset)
    both = known & frames.read
    if not both.any():
        raise NotAligned(
            f"{offset:g} seconds into the recording nothing of the video is left",
            f"it has {truth.seconds:.1f} seconds; leave --offset out, and it is found",
        )
    return _some(frames.states, np.flatnonzero(both)), _some(truth.states, places[both])


def _some(states: PadStates, places: NDArray[np.int64]) -> PadStates:
    return PadStates(states.buttons[places], states.sticks[places], states.triggers[places])


def _nothing(count: int) -> PadStates:
    return PadStates(
        np.zeros((count, len(BUTTONS)), bool),
        np.zeros((count, 4), np.float32),
        np.zeros((count, 2), np.float32),
    )


def _piece(found: Located, reading: Reading, video: Video) -> Piece:
    template = found.template
    box = reading.pose.box(template.width, template.height)
    return Piece(
        template.name, template.family, float(found.score), float(reading.opacity), box,
        (video.width, video.height), reading.outputs,
    )  # fmt: skip


def _scored(one: Score) -> dict[str, Any]:
    worst, f1 = one.worst
    return {
        "accuracy": _number(one.accuracy), "macro_f1": _number(one.f1), "stick_r2": _number(one.r2),
        "worst_button": {"name": worst, "f1": _number(f1)} if worst else None,
    }  # fmt: skip


def _number(value: float) -> float | None:
    """None where it has no meaning: no button is pressed, no stick moves."""
    return round(value, 4) if np.isfinite(value) else None
