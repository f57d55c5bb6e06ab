"""Where a made-up controller's elements are, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.looks.forms import circle
from nitropilot.dataset.looks.raster import Raster
from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.sample import ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.looks.look import Pad
    from nitropilot.dataset.skinmaking.shapes import Shape


def places_of(
    pad: Pad, matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.uint8]:  # fmt: skip
    """Which of ``ELEMENTS`` is where, counted from 1; a stick lies over what it is pushed over.

    Args:
        pad: Which.
        matrix: From its canvas to the picture.
        size: Height and width of that.
    """
    raster = Raster(matrix, Box(0, 0, size[1], size[0]))
    found = np.zeros(size, np.uint8)
    for name, shape in _named(pad):
        found[raster.mask([shape]) > 0] = 1 + ELEMENTS.index(name)
    return found


def drawn_of(
    pad: Pad, matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.bool_]:  # fmt: skip
    """Where a controller is: its body, whether or not it is filled, and all of its parts."""
    raster = Raster(matrix, Box(0, 0, size[1], size[0]))
    return raster.mask(_covered(pad)) > 0


def box_of(pad: Pad, matrix: NDArray[np.float64]) -> Box:
    """The whole pixels that it touches in any state, but for light around it."""
    points = np.concatenate([part for shape in _covered(pad) for part in shape.parts])
    at = points @ matrix[:, :2].T + matrix[:, 2]
    low, high = np.floor(at.min(axis=0) + 1e-6), np.ceil(at.max(axis=0) - 1e-6)
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _named(pad: Pad) -> Iterator[tuple[str, Shape]]:
    for part in pad.parts:
        if part.name:
            yield part.name, part.place
    for stick in pad.sticks:
        yield f"{stick.side}_stick", circle(*stick.middle, stick.reach + stick.size)


def _covered(pad: Pad) -> list[Shape]:
    return [
        *pad.silhouette, *(part.place for part in pad.parts),
        *(shape for name, shape in _named(pad) if name.endswith("_stick")),
    ]  # fmt: skip
