"""In which frames a skin is seen: a matched filter, cheap enough for every frame.

The share of the skin's structure that is found in a frame is near its opacity where it is there and
near 0 where it is not, whatever the game shows: over thousands of pixels that has nothing to do
with the skin's lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.locating.neutral import ground
from nitropilot.dataset.locating.verify import banded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Colours, Planes
    from nitropilot.dataset.locating.neutral import Neutral
    from nitropilot.dataset.pose import Box, Pose

MAYBE = 0.1
"""The share from which on a skin whose opacity is not known may be there; without one it stays
below a few hundredths."""
HALF = 0.5
"""Of its usual share: from there on it is there, so half faded in counts."""


@dataclass(frozen=True, eq=False)
class Presence:
    """Looks for one skin at one pose.

    Args:
        skin: Which.
        pose: Where.
        box: The part of a picture that is looked at: of even sides, from an even pixel on.
        colours: How the video writes them.
    """

    skin: Neutral
    pose: Pose
    box: Box
    colours: Colours

    def __post_init__(self) -> None:
        layer = self.skin.layer(self.pose, self.box, self.colours)
        free = ground(layer)
        object.__setattr__(self, "_parts", (layer, free, 1 - free.free))

    def share(self, part: Planes) -> float:
        """The share of the skin's structure in ``box`` of one frame."""
        layer, free, cover = self.__dict__["_parts"]
        behind = free.behind_y(part.y)
        wanted: NDArray[np.float32] = cover * banded(layer.colour.y - layer.alpha * behind)
        seen = cover * banded(np.asarray(part.y, np.float32) - behind)
        size = float((wanted * wanted).sum())
        return float((wanted * seen).sum()) / size if size > 0 else 0.0


def there(shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """In which frames a skin is there, by its shares in them."""
    maybe = shares >= MAYBE
    usual = float(np.median(shares[maybe])) if maybe.any() else 1.0
    return np.asarray(maybe & (shares >= HALF * usual), np.bool_)
