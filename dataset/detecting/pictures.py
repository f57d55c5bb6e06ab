"""Frames as the detector takes them: red, green and blue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Colours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.locating.sampling import Shot

AS_OPENCV = Colours()
"""OpenCV knows this one way to write colours alone."""


def picture_of(shot: Shot, colours: Colours) -> NDArray[np.uint8]:
    """A frame in red, green and blue, ``h x w x 3``.

    Args:
        shot: The frame.
        colours: How its video writes them.
    """
    height, width = shot.y.shape
    planes = np.concatenate([plane.ravel() for plane in (shot.y, shot.u, shot.v)])
    layout = planes.reshape(height * 3 // 2, width)
    picture = np.asarray(cv2.cvtColor(layout, cv2.COLOR_YUV2RGB_I420), np.uint8)
    if colours == AS_OPENCV:
        return picture
    rows, offset = AS_OPENCV.matrix_and_offset()
    true_rows, true_offset = colours.matrix_and_offset()
    back = np.linalg.inv(true_rows)  # planes of 0 to 255 to colours of 0 to 1
    change = np.column_stack([back @ rows, 255 * back @ (offset - true_offset)])
    return np.asarray(cv2.transform(picture, change), np.uint8)
