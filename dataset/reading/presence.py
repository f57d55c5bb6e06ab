"""``Presence``: whether a controller is there at all, by how much of its structure is seen.

What is drawn is fitted to a frame with a factor of its own.  That is near 1 where the controller
is, and near 0 where it is not, whatever the game shows there: smooth patterns of the background are
taken out, and what is left of it has nothing to do with the controller's lines.  (The likelihoods
themselves do not tell: they depend on how rough the background is thought to be.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.reading.likelihood import State

    Floats = NDArray[np.float32]

OPEN = 0.1
"""Where less than this of a pixel is covered in every state, the background is seen as it is."""
FEWEST = 8
"""Pixels of that kind without which it is taken as it is on average."""


@dataclass(frozen=True, eq=False)
class Presence:
    """Part of a controller in one video, at ``n`` pixels of brightness and in ``h`` states.

    Attributes:
        colour: ``n x h``: what is drawn, alpha multiplied in, whitened.
        alpha: ``n x h``: how much is covered, whitened.
        sizes: ``3 x h``: products of both with themselves and each other: colour and colour,
            colour and alpha, alpha and alpha.
        open: ``m``: pixels that nothing covers.
        mean: Of the background.
    """

    colour: Floats
    alpha: Floats
    sizes: Floats
    open: NDArray[np.int64]
    mean: float

    def fit(self, seen: Floats, states: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Fit what is drawn to ``T x n`` pixels.

        Args:
            seen: They.
            states: ``T``: what is shown, if anything is.

        Returns:
            ``T`` each: how much of it is found, and how much there is to be found: the factor is
            their quotient, the second its weight.
        """
        rows = np.arange(len(seen))
        behind = np.full(len(seen), self.mean, np.float32)
        if len(self.open) >= FEWEST:
            behind = seen[:, self.open].mean(axis=1)
        left = seen - behind[:, None]
        found = (left @ self.colour)[rows, states] - behind * (left @ self.alpha)[rows, states]
        one, both, other = self.sizes[:, states]
        there = one - 2 * behind * both + np.square(behind) * other
        return np.asarray(found, np.float32), np.asarray(there, np.float32)


def presence_of(colours: Floats, alphas: Floats, opacity: float, nothing: State) -> Presence:
    """Get ready.

    Args:
        colours: ``h x n``: what is drawn in each state, alpha multiplied in.
        alphas: ``h x n``.
        opacity: With which.
        nothing: What is expected where nothing is drawn.
    """
    colour, alpha = opacity * colours.T, opacity * alphas.T
    by_colour, by_alpha = _whitened(colour, nothing), _whitened(alpha, nothing)
    sizes = np.stack([
        (colour * by_colour).sum(axis=0), (colour * by_alpha).sum(axis=0),
        (alpha * by_alpha).sum(axis=0),
    ])  # fmt: skip
    return Presence(
        by_colour, by_alpha, np.asarray(sizes, np.float32),
        np.flatnonzero(alphas.max(axis=0) < OPEN), float(nothing.expected.mean()),
    )  # fmt: skip


def _whitened(columns: Floats, nothing: State) -> Floats:
    """Times the inverse of the covariance of what is seen where nothing is drawn."""
    found = nothing.weight[:, None] * columns
    if nothing.patterns is not None:
        found = found - nothing.patterns.T @ (nothing.patterns @ columns)
    return np.asarray(found, np.float32)
