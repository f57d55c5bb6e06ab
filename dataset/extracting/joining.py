"""``joined``: what was read of each controller on screen, as the frames of one video."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.output.timing import Frames
from nitropilot.dataset.pad import BUTTONS, SIDES, PadStates
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.output.published import Piece
    from nitropilot.dataset.reading.reading import Reading

SHOWN = 0.5
"""Where the picture agrees less than this that the controller is there, it is not."""
NOBODY = -1


def joined(
    times: NDArray[np.float64], read: Sequence[tuple[Reading, Piece]], *, whole: bool = True
) -> tuple[Frames, list[Piece]]:
    """All frames of a video with what was read of them.

    Where two controllers are on screen at once, the one that was found better counts.  Frames with
    none belong to the piece before them; those before the first, to the first.  A controller
    that comes back where it was is the same piece.

    Args:
        times: ``N`` float64: of all frames.
        read: At least one.
        whole: Whether the video could be decoded to its end; else it ends with what was read.

    Returns:
        The frames, and the pieces that ``Frames.piece`` counts.
    """
    count = len(times)
    if not whole:
        count = min(
            count, 1 + max((int(r.numbers[-1]) for r, _ in read if len(r.numbers)), default=0)
        )
    pieces: list[Piece] = []
    owner = np.full(count, NOBODY, np.int64)
    seen = np.zeros(count, bool)
    confidence = np.zeros(count, np.float32)
    states = PadStates(
        np.zeros((count, len(BUTTONS)), bool),
        np.zeros((count, 4), np.float32),
        np.zeros((count, 2), np.float32),
    )
    for reading, piece in sorted(read, key=lambda each: each[1].score):
        index = _place(piece, pieces)
        inside = reading.numbers < count
        numbers = reading.numbers[inside]
        shown = reading.shown[inside] >= SHOWN
        hidden = numbers[~shown]
        owner[numbers[shown]] = index
        owner[hidden[owner[hidden] == NOBODY]] = index
        at = numbers[shown]
        seen[at] = True
        of = np.flatnonzero(inside)[shown]
        known = _shown_alone(reading)
        states.buttons[at], states.sticks[at] = known.buttons[of], known.sticks[of]
        states.triggers[at] = known.triggers[of]
        confidence[at] = _least_sure(reading)[of]
    frames = Frames(times[:count], states, confidence, seen, _filled(owner))
    return frames, pieces


def _place(piece: Piece, pieces: list[Piece]) -> int:
    """Which of the pieces it is; a new one is put behind them."""
    for index, other in enumerate(pieces):
        if (piece.skin, piece.box, piece.size) == (other.skin, other.box, other.size):
            others = tuple(dict.fromkeys([*other.others, *piece.others]))
            pieces[index] = replace(other, others=others, score=max(other.score, piece.score))
            return index
    pieces.append(piece)
    return len(pieces) - 1


def _shown_alone(reading: Reading) -> PadStates:
    """The states without what the controller on screen cannot show."""
    states, outputs = reading.states, reading.outputs
    sticks = np.array([f"j_{side}" in outputs for side in SIDES for _ in "xy"])
    return PadStates(
        states.buttons & np.array([name in outputs for name in BUTTONS]),
        np.nan_to_num(states.sticks * sticks),
        np.nan_to_num(states.triggers * np.array([f"{s}_trigger" in outputs for s in SIDES])),
    )


def _least_sure(reading: Reading) -> NDArray[np.float32]:
    """Of each frame, the confidence of the output that is read with the least."""
    outputs = reading.outputs
    buttons = [index for index, name in enumerate(PUBLISHED_BUTTONS) if name in outputs]
    sticks = [index for index, side in enumerate(SIDES) if f"j_{side}" in outputs]
    known = np.concatenate(
        [reading.confidence[:, buttons], reading.stick_confidence[:, sticks]], axis=1
    )
    least: NDArray[np.float32] = known.min(axis=1, initial=1.0)
    return least


def _filled(owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Frames of nobody belong to the piece before them, or else to the first."""
    known = np.flatnonzero(owner != NOBODY)
    if not len(known):
        return np.zeros_like(owner)
    at = np.maximum(np.searchsorted(known, np.arange(len(owner)), "right") - 1, 0)
    return owner[known[at]]
