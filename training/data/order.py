"""The order of samples: a pure function of seed and epoch.

A run is one endless row of positions.  Position ``p`` is place ``p mod n`` of epoch ``p div n``,
and each epoch has every sample once, in an order of its own.  So a run that is gone on with sees
what the uninterrupted one would have, to the sample, and needs to remember its step alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORDER = 3
"""Stream of random numbers; see ``objective.draws``."""


class Place(NamedTuple):
    """A sample's turn.

    Attributes:
        epoch: How often every sample was seen before.
        sample: Number of the sample.
    """

    epoch: int
    sample: int


def batch_places(seed: int, samples: int, batch: int, step: int) -> list[Place]:
    """Whose turn it is in a step.

    Args:
        seed: Of the run.
        samples: How many there are, at least 1.
        batch: Samples a step; more than there are takes some twice.
        step: From 0.
    """
    found = []
    for position in range(step * batch, (step + 1) * batch):
        epoch, place = divmod(position, samples)
        found.append(Place(epoch, int(_order(seed, epoch, samples)[place])))
    return found


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, samples: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, ORDER, epoch)).permutation(samples)
