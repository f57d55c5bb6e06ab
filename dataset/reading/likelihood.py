"""How well each state explains what is seen.

An observed pixel is ``opacity x drawn + (1 - opacity x alpha) x background + noise``.  The
background that shows through is a sum of smooth patterns (the lowest of a cosine transform) with
Gaussian weights, whose variances are those of the same video's pictures beside the overlay; all
else is independent noise, more of it where what is drawn has edges, since it never lies quite where
it should.  With that, the probability of a patch is a Gaussian's, and for all frames at once it
costs two matrix products (the matrix inversion lemma keeps the patterns apart).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CLEAR = 0.02
"""Where less than this of the background shows through, it does not matter what it is."""


@dataclass(frozen=True, eq=False)
class Background:
    """What a patch of a video without an overlay looks like, at ``n`` of its pixels.

    Attributes:
        mean: Its brightness (or colour).
        patterns: ``n x k``: smooth patterns, each times its standard deviation.
        rest: Variance of what they leave.
    """

    mean: float
    patterns: Floats
    rest: float


@dataclass(frozen=True, eq=False)
class State:
    """What is expected of ``n`` pixels in one state.

    Attributes:
        expected: ``n``.
        weight: ``n``: one over the variance of the noise.
        patterns: ``k x n``, which take a patch to what the background explains of it, whitened;
            None where the background is hidden.
        constant: What does not depend on the frame.
    """

    expected: Floats
    weight: Floats
    patterns: Floats | None
    constant: float

    def of(self, seen: Floats) -> Floats:
        """Logarithm of the likelihood: ``T`` of ``T x n``."""
        left = seen - self.expected
        distance = np.square(left) @ self.weight
        if self.patterns is not None:
            distance -= np.square(left @ self.patterns.T).sum(axis=1)
        return np.asarray(self.constant - 0.5 * distance, np.float32)


def state(
    colour: Floats,
    alpha: Floats,
    edges: Floats,
    opacity: float,
    background: Background,
    noise: float,
    wobble: float,
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
    """
    through = 1 - opacity * alpha
    expected = opacity * colour + through * background.mean
    variance = noise**2 + np.square(through) * background.rest + np.square(wobble * edges)
    weight = 1 / variance
    constant = -0.5 * float(np.log(variance).sum())
    patterns = None
    if background.patterns.shape[1] and float(through.max()) > CLEAR:
        shown = through[:, None] * background.patterns
        inner = np.eye(shown.shape[1]) + shown.T @ (weight[:, None] * shown)
        lower = np.linalg.cholesky(inner)
        patterns = np.linalg.inv(lower).astype(np.float32) @ (weight[:, None] * shown).T
        constant -= float(np.log(np.diag(lower)).sum())
    return State(expected.astype(np.float32), weight.astype(np.float32), patterns, constant)


@dataclass(frozen=True, eq=False)
class Evidence:
    """States of a part, ready to be asked which of them a frame shows.

    Attributes:
        states: The released one first.
    """

    states: tuple[State, ...]

    def of(self, seen: Floats) -> Floats:
        """``T x h`` logarithms of the likelihoods of ``T x n`` pixels.

        A frame that even its best state explains badly, such as one of a scene that is unlike all
        others, says so much less: all its logarithms are divided by how many times the variance
        that was expected is left.
        """
        said = np.stack([state.of(seen) for state in self.states], axis=1)
        best = said.argmax(axis=1)
        constants = np.array([state.constant for state in self.states], np.float32)
        left = 2 * (constants[best] - said[np.arange(len(said)), best]) / seen.shape[1]
        return np.asarray(said / np.maximum(left, 1.0)[:, None], np.float32)

    def left(self, seen: Floats, chosen: NDArray[np.int64]) -> Floats:
        """What is left of each frame once its state is known: ``T x n``."""
        expected = np.stack([state.expected for state in self.states])
        return np.asarray(seen - expected[chosen], np.float32)
