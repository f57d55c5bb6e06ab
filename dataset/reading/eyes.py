"""``Eye``: a part's states, told apart in the pictures of one video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.reading.likelihood import Evidence
    from nitropilot.dataset.reading.sight import Area

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

STALE = 0.3
"""What colours count when they speak for the released state: codecs leave them behind on short
presses."""


class Crops(NamedTuple):
    """The overlay in frames that follow on each other: ``T x h x w`` uint8, colours half of it.

    Attributes:
        y: Brightness.
        u: Colour.
        v: The same.
        box: Which part of the picture it is; from an even pixel on.
    """

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    box: Box

    def pixels(self, plane: int, area: Area) -> Floats:
        """``T x n``: those of an area that count."""
        halves = 2 if plane else 1
        top, left = (
            (area.box.top - self.box.top) // halves,
            (area.box.left - self.box.left) // halves,
        )
        used = area.chroma if plane else area.light
        height, width = used.shape
        whole = (self.y, self.u, self.v)[plane]
        part = whole[:, top : top + height, left : left + width]
        return part.reshape(len(part), -1)[:, used.ravel()].astype(np.float32)


@dataclass(frozen=True)
class Noise:
    """How far what is seen lies from what is drawn.

    Attributes:
        light: Standard deviation of a pixel's brightness, in levels.
        chroma: The same of its colours.
        wobble: Of where it lies, in pixels.
    """

    light: float = 7.0
    chroma: float = 6.0
    wobble: float = 0.12

    def more(self, times: float) -> Noise:
        """So many times as much of everything."""
        return Noise(self.light * times, self.chroma * times, self.wobble * times)


@dataclass(frozen=True, eq=False)
class Eye:
    """Tells some states of a part apart.

    Attributes:
        area: Where it looks.
        planes: Evidence of brightness and both colours; None where nothing changes.
        solid: As in ``shower.Through``, and of both colours.
        stale: Whether colours may be those of a while ago.
    """

    area: Area
    planes: tuple[Evidence | None, ...]
    solid: tuple[Bools, Bools]
    stale: bool = False

    def look(self, crops: Crops) -> Floats:
        """``T x h``: logarithms of how well each state explains each frame."""
        total: Floats | None = None
        for plane, each in enumerate(self.planes):
            if each is None:
                continue
            said = each.of(crops.pixels(plane, self.area))
            if plane and self.stale:
                said = said - said[:, :1]
                said = np.where(said < 0, STALE * said, said)
            total = said if total is None else total + said
        if total is None:
            raise AssertionError("a part that never looks different is none")
        return total

    def residual(self, crops: Crops, states: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """What is left of brightness and colours once states are known: ``T x n`` each.

        Args:
            crops: What is seen.
            states: ``T``: what it shows.
        """
        left = []
        for plane, each in enumerate(self.planes):
            if each is None:
                left.append(np.zeros((len(states), 0), np.float32))
            else:
                seen = crops.pixels(plane, self.area)
                left.append(each.left(seen, states))
        return left[0], np.concatenate(left[1:], axis=1)
