"""``Sample`` and ``Scene``: what the learned parser and the detector of unknown skins train on.

Both meet at ``cut``: what is trained on and what is read of a video are cut out in one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box

HEIGHT, WIDTH = 96, 128
"""Pixels of a sample."""
MARGIN = 0.06
"""Of the box's sides, that is shown around it: a box is never exact, and glows reach out."""
ELEMENTS = (*PUBLISHED_BUTTONS, "left_stick", "right_stick")
"""What a controller may show; ``Sample.places`` counts them from 1."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One moment of a made-up controller, as a learned reader sees it.

    Attributes:
        pictures: ``2 x H x W x 3`` uint8, RGB: the frame before and this one.
        reference: ``H x W x 3`` uint8: the median over the clip.
        buttons: ``17`` bool, by ``PUBLISHED_BUTTONS``: what is down in this frame.
        sticks: ``4`` float32: left x and y, right x and y; negative y is up.
        shown_buttons: ``17`` bool: which of them this controller can show.
        shown_sticks: ``2`` bool: left and right.
        places: ``H x W`` uint8: which of ``ELEMENTS`` is there, counted from 1; 0 where none is. A
            stick's place is all that its cap can reach.
        drawn: ``H x W`` bool: where the controller is.
        opaque: Whether nothing of the game shows through its body.
        style: Seed of its look; samples of one look share it.
    """

    pictures: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    buttons: NDArray[np.bool_]
    sticks: NDArray[np.float32]
    shown_buttons: NDArray[np.bool_]
    shown_sticks: NDArray[np.bool_]
    places: NDArray[np.uint8]
    drawn: NDArray[np.bool_]
    opaque: bool
    style: int


@dataclass(frozen=True, eq=False)
class Scene:
    """Some frames of a made-up video, as the detector sees them.

    Attributes:
        pictures: ``N x H x W x 3`` uint8, RGB: frames far apart.
        box: Where the controller is, in their pixels; None where there is none.
        opaque: As in ``Sample``.
        style: As in ``Sample``.
    """

    pictures: NDArray[np.uint8]
    box: Box | None
    opaque: bool
    style: int


def cut(
    picture: NDArray[np.uint8], box: Box, size: tuple[int, int] = (HEIGHT, WIDTH)
) -> NDArray[np.uint8]:
    """What of a picture a learned reader sees of a controller: the box, some margin, shape kept.

    Args:
        picture: ``H x W x C`` or ``H x W`` uint8.
        box: Of the controller; may reach out of the picture, whose edge then goes on.
        size: Height and width of what is wanted.

    Returns:
        The same channels at ``size``.
    """
    matrix = placing(box, size)
    shrunk = matrix[0, 0] < 1
    if shrunk:  # area sampling first: a warp alone would alias
        ratio = float(matrix[0, 0])
        height, width = picture.shape[:2]
        small = (max(round(width * ratio), 1), max(round(height * ratio), 1))
        shrunken = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        picture = shrunken.astype(np.uint8, copy=False)
        matrix = matrix @ np.diag([width / small[0], height / small[1], 1.0])
    centred = matrix[:2]
    centred[:, 2] += centred[:, 0] / 2 + centred[:, 1] / 2 - 0.5  # OpenCV counts from the middle
    warped = cv2.warpAffine(picture, centred, (size[1], size[0]), flags=cv2.INTER_LINEAR,
                            borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return warped.astype(np.uint8, copy=False)


def placing(box: Box, size: tuple[int, int] = (HEIGHT, WIDTH)) -> NDArray[np.float64]:
    """``3 x 3``: from pixels of the picture to those of a cut, both counted from the corner."""
    height, width = size
    across, down = box.width * (1 + 2 * MARGIN), box.height * (1 + 2 * MARGIN)
    scale = min(width / across, height / down)
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    return np.array(
        [[scale, 0, width / 2 - scale * middle[0]], [0, scale, height / 2 - scale * middle[1]],
         [0, 0, 1]], np.float64)  # fmt: skip
