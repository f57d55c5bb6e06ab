"""Which rows are worth learning from, and why the others are not.

The NitroGen paper keeps segments with at least half of their steps active: a policy that is shown
mostly rest learns to rest.  What it calls a segment is a chunk of 20 s here.  Before that, rows go
in which nobody saw the controller, in which it was read without being sure, and in which no game
was played: a picture that stands while nothing is pressed, cuts and flashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.output.timing import Rows
    from nitropilot.dataset.output.watching import Scene
    from nitropilot.dataset.pad import PadStates

TILTED = 0.1
"""A stick further from its middle than this is moved, as in training."""
SURE = 0.6
"""A reading that is less sure than this of any output is doubtful: a guess has 0.5."""
DOUBT_S = 1.0
"""Rows go where at least half of those of so many seconds around them are doubtful: while a button
goes down every reading is unsure for a frame or two, and that is no reason."""
STILL_S = 5.0
"""A picture that stands for longer, with nothing pressed, is a menu, a pause or a still."""
CUT_S = 0.25
"""So long before and after a cut or a flash: what was pressed there belongs to no picture."""
USABLE = 0.5
"""A chunk with less usable rows than this is no example of play."""


class Reason(StrEnum):
    """Why a second is left out."""

    NO_OVERLAY = "no_overlay"
    LOW_CONFIDENCE = "low_confidence"
    CUT = "cut"
    FLASH = "flash"
    STILL = "still"
    IDLE = "idle"
    FRAGMENT = "fragment"
    SET_ASIDE = "set_aside"
    GAP = "gap"
    DAMAGED = "damaged"
    FOREIGN = "foreign"


@dataclass(frozen=True, eq=False)
class Filtered:
    """Rows, judged.

    Attributes:
        why: ``R`` texts: why a row is left out, a ``Reason``; "" for those that are kept.
        kept: Of each chunk, whether it is.
    """

    why: NDArray[np.str_]
    kept: tuple[bool, ...]

    def seconds(self, hz: int) -> dict[str, float]:
        """What was left out, by reason."""
        names, counts = np.unique(self.why[self.why != ""], return_counts=True)
        return {str(n): round(int(c) / hz, 3) for n, c in zip(names, counts, strict=True)}

    def spans(self, first: int, last: int) -> list[tuple[int, int, str]]:
        """Within some rows, what is left out: first, last + 1, counted from ``first``, and why."""
        part = self.why[first:last]
        begins = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
        ends = np.append(begins[1:], len(part))
        return [
            (int(a), int(b), str(part[a])) for a, b in zip(begins, ends, strict=True) if part[a]
        ]


def active(states: PadStates) -> NDArray[np.bool_]:
    """Of each state, whether something is pressed, pulled or tilted."""
    tilted = (np.abs(states.sticks) > TILTED).any(axis=1)
    return np.asarray(states.published().any(axis=1) | tilted, bool)


def filtered(
    rows: Rows, chunks: Sequence[tuple[int, int]], scene: Scene | None = None, share: float = 0.5
) -> Filtered:
    """Judge the rows of a video.

    Args:
        rows: All of them.
        chunks: First and last + 1 of each.
        scene: What the pictures did; None: nobody looked.
        share: Least share of active steps among a chunk's usable ones.
    """
    why = np.full(len(rows), "", "<U16")
    moving = active(rows.states)
    checks = [
        (Reason.NO_OVERLAY, ~rows.read),
        (Reason.LOW_CONFIDENCE, _doubtful(rows)),
    ]
    if scene is not None:
        checks += [
            (Reason.FLASH, _around(rows, scene.flashes())),
            (Reason.CUT, _around(rows, scene.cuts())),
            (Reason.STILL, _long(scene.still(rows.frame) & ~moving, rows)),
        ]
    for reason, where in checks:
        why[where & (why == "")] = reason
    kept = [_judge(why[first:last], moving[first:last], share) for first, last in chunks]
    return Filtered(why, tuple(kept))


def _judge(why: NDArray[np.str_], moving: NDArray[np.bool_], share: float) -> bool:
    """Whether a chunk is kept; if not, its rows are told why.

    A pause is left out, and is rest all the same: else a second of play in a minute of menus would
    make a chunk active.
    """
    usable = why == ""
    count = int(usable.sum())
    steps = count + int((why == Reason.STILL).sum())
    if count and count >= USABLE * len(why) and (moving & usable).sum() >= share * steps:
        return True
    why[usable] = Reason.FRAGMENT if count < USABLE * len(why) else Reason.IDLE
    return False


def _doubtful(rows: Rows) -> NDArray[np.bool_]:
    """Rows in a stretch of doubt."""
    doubt = ((rows.confidence < SURE) & rows.read).astype(np.int64)
    return _nearby(doubt, rows) >= 0.5


def _nearby(values: NDArray[np.int64], rows: Rows) -> NDArray[np.float64]:
    """The mean over ``DOUBT_S`` around each row, over those that there are."""
    half = max(round(DOUBT_S * rows.hz / 2), 1)
    total = np.concatenate([[0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(values))
    return np.asarray((total[high] - total[low]) / np.maximum(high - low, 1), np.float64)


def _around(rows: Rows, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows within ``CUT_S`` of some frames."""
    found = np.zeros(len(rows), bool)
    reach = round(CUT_S * rows.hz)
    for at in np.searchsorted(rows.frame, frames):
        found[max(at - reach, 0) : at + reach] = True
    return found


def _long(where: NDArray[np.bool_], rows: Rows) -> NDArray[np.bool_]:
    """Of some rows those that are ``STILL_S`` of them in a row."""
    found = np.zeros(len(where), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], where.astype(np.int8), [0]])))
    for first, last in edges.reshape(-1, 2):
        if last - first >= STILL_S * rows.hz:
            found[first:last] = True
    return found
