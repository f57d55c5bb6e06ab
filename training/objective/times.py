"""Where on the way from noise to actions a sample is looked at: a shifted Beta distribution.

``t = (1 - u) s`` with ``u ~ Beta(alpha, beta)``: for alpha 1.5 and beta 1 small t, where there is
most noise, are drawn more often, and none beyond s (Black et al. 2024, pi0; the paper's choice).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TimeDistribution:
    """The distribution of t; its defaults are the paper's.

    Attributes:
        alpha: Of the Beta distribution.
        beta: Of the Beta distribution.
        s: Largest t.
    """

    alpha: float = 1.5
    beta: float = 1.0
    s: float = 0.999

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Times in [0, s], of ``shape``."""
        u = rng.beta(self.alpha, self.beta, shape)
        return ((1.0 - u) * self.s).astype(np.float32)

    def at(self, chance: NDArray[np.float64]) -> NDArray[np.float32]:
        """The times below which t lies with these chances, for a beta of 1 (its inverse is known).

        Raises:
            ValueError: Beta is another.
        """
        if self.beta != 1.0:
            raise ValueError(f"beta is {self.beta}: only that of 1 has an inverse to write down")
        return ((1.0 - (1.0 - chance) ** (1.0 / self.alpha)) * self.s).astype(np.float32)
