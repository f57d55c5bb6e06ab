"""Near-duplicate videos: told by their pictures and by what is pressed in them.

The same play is put on the net again in another size, rate or codec.  Pictures alone do not tell:
one background, or one game, may have been played by many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.output.timing import Rows
    from nitropilot.dataset.output.watching import Scene

BINS = 64
"""Parts of a video; of each, what is held for most of it."""
TILT = 0.3
LENGTHS = 0.02
"""Share by which the lengths of two copies may differ, or ``LENGTH_S``."""
LENGTH_S = 1.0
PICTURES = 10 / 64
"""Share of the bits by which their pictures may."""
PRESSES = 0.7
"""Of what is held in either, the share that is held in both."""


def fingerprint(scene: Scene, rows: Rows) -> str:
    """What a copy of a video is known by; "" where nothing was seen.

    Args:
        scene: What its pictures did.
        rows: What was read.
    """
    pictures = scene.fingerprint()
    return f"{pictures}:{_presses(rows)}" if pictures else ""


class Seen:
    """The videos that there are."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._seconds: list[float] = []
        self._bits: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []

    def add(self, name: str, seconds: float, print_: str) -> None:
        """One more."""
        if print_:
            self._names.append(name)
            self._seconds.append(seconds)
            self._bits.append(_bits(print_))

    def like(self, seconds: float, print_: str) -> str:
        """The name of one that this is a copy of; "" where it is of none."""
        if not print_:
            return ""
        near = np.abs(np.array(self._seconds) - seconds) <= max(LENGTHS * seconds, LENGTH_S)
        pictures, presses = _bits(print_)
        for at in np.flatnonzero(near):
            its_pictures, its_presses = self._bits[at]
            if (pictures != its_pictures).mean() > PICTURES:
                continue
            either = int((presses | its_presses).sum())
            if int((presses & its_presses).sum()) >= PRESSES * either:
                return self._names[at]
        return ""


def _presses(rows: Rows) -> str:
    """Of each part of a recording, what is held and where the sticks are for most of it."""
    sticks = rows.states.sticks
    held = np.concatenate([rows.states.published(), sticks > TILT, sticks < -TILT], axis=1)
    share = rows.tick / max(int(rows.tick[-1]), 1)
    places = np.minimum((share * BINS).astype(np.int64), BINS - 1)
    count = np.maximum(np.bincount(places, minlength=BINS), 1)
    total = np.zeros((BINS, held.shape[1]))
    np.add.at(total, places, held)
    return np.packbits(total / count[:, None] > 0.5).tobytes().hex()


def _bits(print_: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    pictures, presses = (
        np.unpackbits(np.frombuffer(bytes.fromhex(part), np.uint8)).astype(bool)
        for part in print_.split(":")
    )
    return pictures, presses
