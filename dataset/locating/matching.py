"""From points that look alike to a pose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.locating.neutral import place
from nitropilot.dataset.pose import Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.locating.features import Features, Kind
    from nitropilot.dataset.pose import Box

    Points = NDArray[np.float32]

NEAR = 3.0
"""Pixels by which a point may lie beside where a pose has it."""
INLIERS = 20
"""Points that have to agree: videos without an overlay reach 4, right skins 20 to hundreds."""
MOST_TURNED = math.radians(8)
"""Overlays stand upright; those on a filmed or slanted scene are turned by a few degrees."""
NARROWEST = 0.07
WIDEST = 0.9
"""What a skin shows takes that much of the picture's width: overlays of 90 to 230 pixels of 640 are
usual, 500 are seen; smaller ones cannot be read."""
IN_PICTURE = 0.7
"""Some stand out of the picture, but most of each is in it."""
SPREAD = 0.2
"""Agreeing points span that share of the skin's width or height: a letter alone is everywhere."""


def matches(kind: Kind, skin: Features, picture: Features) -> NDArray[np.int64]:
    """``M x 2``: the points of a skin and those of a picture that look the same.

    Each point of the picture belongs to one of the skin at most, the one that is most alike.
    """
    if len(skin.points) == 0 or len(picture.points) < 2:
        return np.zeros((0, 2), np.int64)
    alike = skin.descriptors @ picture.descriptors.T
    best = alike.argmax(axis=1)
    rows = np.arange(len(alike))
    nearest = alike[rows, best]
    taken = nearest >= kind.least
    if kind.mutual:
        taken &= alike.argmax(axis=0)[best] == rows
    if kind.ratio < 1:
        alike[rows, best] = -1
        taken &= _far(nearest) < kind.ratio * _far(alike.max(axis=1))
    pairs = np.stack([rows, best], axis=1)[taken]
    pairs = pairs[np.argsort(-nearest[taken], kind="stable")]
    return np.asarray(pairs[np.unique(pairs[:, 1], return_index=True)[1]], np.int64)


def fitted(canvas: Points, picture: Points) -> tuple[Pose, NDArray[np.bool_]] | None:
    """The pose that most pairs of points agree on, and which do; None where there is none.

    Args:
        canvas: ``M x 2``, of a canvas.
        picture: ``M x 2``, of a picture.
    """
    if len(canvas) < 3:
        return None
    matrix, agree = cv2.estimateAffinePartial2D(
        canvas, picture, method=cv2.RANSAC, ransacReprojThreshold=NEAR,
        maxIters=2000, confidence=0.995, refineIters=10,
    )  # fmt: skip
    if matrix is None or not np.isfinite(matrix).all():
        return None
    (a, _, x), (b, _, y) = matrix.tolist()
    return Pose(math.hypot(a, b), x, y, math.atan2(b, a)), agree.ravel().astype(bool)


def plausible(pose: Pose, seen: Box, width: int, height: int) -> bool:
    """Whether an overlay can be so: its size, its turn, and that most of it is in the picture.

    Args:
        pose: Where the canvas lies.
        seen: The part of the canvas that shows anything.
        width: Of the picture.
        height: The same.
    """
    wide = pose.scale * seen.width
    if not NARROWEST * width <= wide <= WIDEST * width or abs(pose.angle) > MOST_TURNED:
        return False
    if pose.scale * seen.height > height:
        return False
    box = place(seen, pose)
    shown = box.inside(width, height)
    return shown.width * shown.height >= IN_PICTURE * box.width * box.height


def spread(points: Points, seen: Box) -> float:
    """Which share of a skin's width or height points span, whichever is less (``M x 2``)."""
    if len(points) == 0:
        return 0.0
    wide, high = np.ptp(points, axis=0).tolist()
    return float(min(wide / seen.width, high / seen.height))


def distinct(points: Points, seen: Box) -> int:
    """How many points of a canvas these are; two within a hundredth of its width are one."""
    return len(np.unique(np.round(points * (100 / seen.width)), axis=0))


def _far(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distance of two descriptors from the cosine between them."""
    return np.sqrt(np.maximum(2 - 2 * cosine, 1e-12))
