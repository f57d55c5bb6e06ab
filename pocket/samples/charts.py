"""What is where in a picture, packed for a pool: a further target of what learns to see.

A chart has a cell of 16 px, four along a patch of the pocket policy; each patch says its own cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.simulator.arcade.core.places import Kind, chart
from nitropilot.simulator.arcade.game import places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from nitropilot.simulator.arcade.core.world import World

CELLS = 16
"""Along a side of a chart."""
KINDS = len(Kind)
BYTES = KINDS * CELLS * CELLS // 8


def chart_of(game: str, world: World) -> NDArray[np.uint8]:
    """The chart of a world, ``BYTES``."""
    return np.packbits(chart(places_of(game, world), CELLS))


def by_patch(packed: NDArray[np.uint8], side: int) -> Tensor:
    """Charts as each patch is to say them.

    Args:
        packed: ``B x BYTES``.
        side: Patches along a side of the picture; a divisor of ``CELLS``.

    Returns:
        ``B x side^2 x KINDS x cells`` of 0 and 1; a patch's cells go by rows, as patches do.
    """
    inside = CELLS // side
    bits = torch.from_numpy(np.unpackbits(packed, axis=1)).float()
    cells = bits.view(len(packed), KINDS, side, inside, side, inside).permute(0, 2, 4, 1, 3, 5)
    return cells.reshape(len(packed), side * side, KINDS, inside * inside)
