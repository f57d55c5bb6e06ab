"""``aligned``: when in a recording a video begins, found from what is pressed in both.

For each offset on a grid of 1/60 s the read and the recorded states are correlated, channel by
channel, over the moments that both know (masked normalised correlation by Fourier transforms, as in
Padfield 2012); the offset with the highest mean is taken, and refined by counting which one leaves
the least that is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.scoring.truth import Truth

GRID_HZ = 60
FINER = 4
"""Steps of the refinement to one of the grid."""
LEAST_S = 3.0
"""Seconds that both have to know."""
SHARE = 0.5
"""Share of the shorter one that lies in the other, at least."""
AGREES = 0.5
"""Mean correlation below which they are not of the same play."""
FLAT = 1e-6


class NotAligned(DatasetError):
    """A video and a recording are not of the same play, or not of the same time."""

    code = "not_aligned"


class Alignment(NamedTuple):
    """How a video lies in a recording.

    Attributes:
        offset: Seconds of the recording before the video begins; negative if it begins earlier.
        agreement: Mean correlation of what moves in both, up to 1.
    """

    offset: float
    agreement: float


def aligned(
    times: NDArray[np.float64], states: PadStates, seen: NDArray[np.bool_], truth: Truth
) -> Alignment:
    """Find when in a recording a video begins.

    Args:
        times: ``N``: of the video's frames, seconds from the first one's.
        states: ``N``: what was read.
        seen: ``N``: whether something was.
        truth: The recording.

    Raises:
        NotAligned: At no offset they agree.
    """
    read, read_known = _on_grid(times, states, seen, times[-1])
    true, true_known = _of_truth(truth)
    scores, counts = _correlations(read, read_known, true, true_known)
    enough = max(LEAST_S * GRID_HZ, SHARE * min(read_known.sum(), true_known.sum()))
    scores[counts < enough] = -1.0
    best = int(scores.argmax())
    if scores[best] < AGREES:
        raise NotAligned(
            "what was read and what was recorded agree at no offset "
            f"(at best by {max(float(scores[best]), 0.0):.2f} of 1)",
            "give a recording of the same play, or say with --offset how many seconds of it "
            "are over when the video begins",
        )
    offset = (best - (len(read) - 1)) / GRID_HZ
    return Alignment(_refined(offset, times, states, seen, truth), float(scores[best]))


def wrong(
    offset: float, times: NDArray[np.float64], states: PadStates, seen: NDArray[np.bool_],
    truth: Truth,
) -> float:  # fmt: skip
    """How much is wrong at an offset: the share of buttons, and the mean distance of sticks."""
    places, known = truth.at(times + offset)
    known = known & seen
    if not known.any():
        return float("inf")
    places = places[known]
    buttons = states.published()[known] != truth.states.published()[places]
    sticks = np.abs(states.sticks[known] - truth.states.sticks[places])
    return float(buttons.mean() + sticks.mean())


def _refined(
    offset: float, times: NDArray[np.float64], states: PadStates, seen: NDArray[np.bool_],
    truth: Truth,
) -> float:  # fmt: skip
    """The middle of the offsets near one that leave the least that is wrong."""
    reach = 2 * FINER
    near = offset + np.arange(-reach, reach + 1) / (FINER * GRID_HZ)
    left = np.array([wrong(float(each), times, states, seen, truth) for each in near])
    best = np.flatnonzero(left <= left.min() + FLAT)
    first = int(best[0])
    run = best[: int(np.argmax(np.diff(best, append=best[-1] + 2) > 1)) + 1]
    return float((near[first] + near[run[-1]]) / 2)


def _channels(states: PadStates) -> NDArray[np.float64]:
    """``T x 21``: buttons and sticks."""
    return np.concatenate([states.published(), states.sticks], axis=1, dtype=np.float64)


def _on_grid(
    times: NDArray[np.float64], states: PadStates, seen: NDArray[np.bool_], seconds: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What the newest frame of each moment says."""
    moments = np.arange(int(seconds * GRID_HZ) + 1) / GRID_HZ
    places = np.clip(np.searchsorted(times, moments + FLAT, "right") - 1, 0, None)
    return _channels(states)[places], seen[places]


def _of_truth(truth: Truth) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    moments = np.arange(int(truth.seconds * GRID_HZ)) / GRID_HZ
    places, known = truth.at(moments + FLAT)
    return _channels(truth.states)[places], known


def _correlations(
    read: NDArray[np.float64], read_known: NDArray[np.bool_],
    true: NDArray[np.float64], true_known: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Of each offset, from ``1 - len(read)`` to ``len(true) - 1``: the mean correlation of the
    channels that move in both, and how many moments both know.
    """
    count = len(read) + len(true) - 1
    width = 1 << (count - 1).bit_length()

    def spectrum(values: NDArray[np.float64]) -> NDArray[np.complex128]:
        found: NDArray[np.complex128] = np.fft.rfft(values, width, axis=0)
        return found

    def sums(one: NDArray[np.complex128], other: NDArray[np.complex128]) -> NDArray[np.float64]:
        """At each offset, the sum of products."""
        whole = np.fft.irfft(np.conj(one) * other, width, axis=0)
        return np.concatenate([whole[width - len(read) + 1 :], whole[: len(true)]])

    known = spectrum(read_known[:, None].astype(float)), spectrum(true_known[:, None].astype(float))
    both = np.maximum(np.rint(sums(*known)), 0.0)
    total, channels = np.zeros(count), np.zeros(count)
    for channel in range(read.shape[1]):
        ours = read[:, channel, None] * read_known[:, None]
        theirs = true[:, channel, None] * true_known[:, None]
        one, other = spectrum(ours), spectrum(theirs)
        least = np.maximum(both, 1.0)
        mean_one, mean_other = sums(one, known[1]) / least, sums(known[0], other) / least
        var_one = sums(spectrum(ours**2), known[1]) / least - mean_one**2
        var_other = sums(known[0], spectrum(theirs**2)) / least - mean_other**2
        moves = ((var_one > FLAT) & (var_other > FLAT))[:, 0]
        spread = np.sqrt(np.maximum(var_one * var_other, FLAT**2))
        found = ((sums(one, other) / least - mean_one * mean_other) / spread)[:, 0]
        total += np.where(moves, found, 0.0)
        channels += moves
    return np.where(channels > 0, total / np.maximum(channels, 1.0), -1.0), both[:, 0]
