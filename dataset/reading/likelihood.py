"""How well each state explains what is seen.

An observed pixel is ``opacity x drawn + (1 - opacity x alpha) x background + noise``.  The
background that shows through is a sum of smooth patterns (the lowest of a cosine transform) with
Gaussian weights, whose variances are those of the same video's pictures beside the overlay; all
else is independent noise, more of it where what is drawn has edges, since it never lies quite where
it should.  With that, the probability of a patch is a Gaussian's, and for all frames at once it
costs some matrix products: one for the distances to all states, one a state for what the background
explains of them (the matrix inversion lemma keeps the patterns apart), and that only at the pixels
where something shows through.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

CLEAR = 0.02
"""Where less than this of the background shows through, it does not matter what it is."""


@dataclass(frozen=True, eq=False)
class Background:
    """What a patch of a video without an overlay looks like, at ``n`` of its pixels.

    Attributes:
        mean: Its brightness (or colour); ``n`` of them where each pixel's own is known.
        patterns: ``n x k``: smooth patterns, each times its standard deviation.
        rest: Variance of what they leave; the same.
        level: What is there on the whole.
    """

    mean: float | Floats
    patterns: Floats
    rest: float | Floats
    level: float = 0.0


@dataclass(frozen=True, eq=False)
class State:
    """What is expected of ``n`` pixels in one state.

    Attributes:
        expected: ``n``.
        weight: ``n``: one over the variance of the noise.
        patterns: ``k x m``, which take what is seen at those ``m`` pixels where the background may
            show through to what it explains of it, whitened; None where it is hidden.
        constant: What does not depend on the frame.
    """

    expected: Floats
    weight: Floats
    patterns: Floats | None
    constant: float


def state(
    colour: Floats,
    alpha: Floats,
    edges: Floats,
    opacity: float,
    background: Background,
    noise: float,
    wobble: float,
    clear: Bools | None = None,
) -> State:
    """One state at ``n`` pixels.

    Args:
        colour: ``n``: what is drawn, alpha multiplied in, 0 to 255.
        alpha: ``n``.
        edges: ``n``: how steep what is drawn is there, in levels a pixel.
        opacity: With which it is drawn.
        background: What shows through.
        noise: Standard deviation of a pixel, in levels.
        wobble: Standard deviation of where it lies, in pixels.
        clear: ``n``: where the background may show through in some state; None: everywhere.
    """
    through = 1 - opacity * alpha
    expected = opacity * colour + through * background.mean
    variance = noise**2 + np.square(through) * background.rest + np.square(wobble * edges)
    weight = 1 / variance
    constant = -0.5 * float(np.log(variance).sum())
    patterns = None
    if background.patterns.shape[1] and float(through.max()) > CLEAR:
        here = slice(None) if clear is None else np.flatnonzero(clear)
        shown = through[here, None] * background.patterns[here]
        weighed = weight[here, None] * shown
        lower = np.linalg.cholesky(np.eye(shown.shape[1]) + shown.T @ weighed)
        patterns = np.linalg.inv(lower).astype(np.float32) @ weighed.T
        constant -= float(np.log(np.diag(lower)).sum())
    return State(expected.astype(np.float32), weight.astype(np.float32), patterns, constant)


@dataclass(frozen=True, eq=False)
class Evidence:
    """States of a part, ready to be asked which of them a frame shows.

    Attributes:
        states: The released one first.
        clear: ``n``: where the background may show through; None: everywhere.
    """

    states: tuple[State, ...]
    clear: Bools | None = None

    @functools.cached_property
    def _distances(self) -> tuple[Floats, Floats, Floats]:
        """Of each state, for what is left of the first: weights, slopes (``n x h``), constants."""
        apart = np.stack([state.expected for state in self.states]) - self.states[0].expected
        weights = np.stack([state.weight for state in self.states])
        slopes = weights * apart
        return -0.5 * weights.T, slopes.T, -0.5 * (slopes * apart).sum(axis=1)

    @functools.cached_property
    def _constants(self) -> Floats:
        return np.array([state.constant for state in self.states], np.float32)

    @functools.cached_property
    def _here(self) -> slice | NDArray[np.int64]:
        return slice(None) if self.clear is None else np.flatnonzero(self.clear)

    def of(self, seen: Floats) -> Floats:
        """``T x h`` logarithms of the likelihoods of ``T x n`` pixels.

        A frame that even its best state explains badly, such as one of a scene that is unlike all
        others, says so much less: all its logarithms are divided by how many times the variance
        that was expected is left.
        """
        said = self._likely(seen)
        best = said.argmax(axis=1)
        left = 2 * (self._constants[best] - said[np.arange(len(said)), best]) / seen.shape[1]
        return np.asarray(said / np.maximum(left, 1.0)[:, None], np.float32)

    def _likely(self, seen: Floats) -> Floats:
        weights, slopes, lengths = self._distances
        first = self.states[0].expected
        left = seen - first
        said = left @ slopes
        said += lengths + self._constants
        shown = left[:, self._here]
        for number, state in enumerate(self.states):
            if state.patterns is not None:
                moved = state.patterns @ (state.expected - first)[self._here]
                explained = shown @ state.patterns.T - moved
                said[:, number] += 0.5 * np.einsum("tk,tk->t", explained, explained)
        np.square(left, out=left)
        said += left @ weights
        return np.asarray(said, np.float32)

    def left(self, seen: Floats, chosen: NDArray[np.int64]) -> Floats:
        """What is left of each frame once its state is known: ``T x n``."""
        expected = np.stack([state.expected for state in self.states])
        return np.asarray(seen - expected[chosen], np.float32)
