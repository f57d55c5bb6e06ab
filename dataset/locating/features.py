"""Points of a picture that can be found again in another, and what they look like.

SIFT (Lowe 2004) as RootSIFT (Arandjelovic and Zisserman 2012), and XFeat (Potje and others 2024),
a network of kornia's whose weights the user brings.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import cv2
import numpy as np

from nitropilot.dataset.errors import BadWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 4000
"""Of one picture. Busy games have some 2,000 at 640 x 360; a faint overlay's are the last ones."""
CONTRAST = 0.01
"""SIFT's threshold, a quarter of the usual one: thin outlines at low opacity have little contrast.
Against the half of it, a fifth more of a dark skin's points are found again."""
SKIN_WIDTHS = (100, 140, 200, 280, 400)
"""SIFT finds points at any size, but what is finer than a pixel in a small drawing it cannot see,
and in a large one it sees what a small overlay does not show.  Five sizes instead of two: half as
many points more are found again."""
XFEAT_WIDTHS = (110, 150, 210, 300, 420)
"""XFeat bears a change of size of about a fifth, so a skin is drawn at every one."""
XFEAT_LEAST = 0.82
"""Cosine of two descriptors that count as the same, as XFeat's authors have it."""
XFEAT_FILE = "xfeat.pt"
USED = "used"


class Features(NamedTuple):
    """Points of one picture.

    Attributes:
        points: ``N x 2`` float32, x and y from the corner of the first pixel.
        descriptors: ``N x D`` float32, each of length 1.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def without(self, hidden: NDArray[np.bool_]) -> Features:
        """Those that are not hidden (``N``)."""
        return Features(self.points[~hidden], self.descriptors[~hidden])


class Kind(Protocol):
    """A way to find points.

    Attributes:
        name: Of it.
        widths: In pixels, at which skins are drawn for it.
        together: Whether those drawings' points are searched together, or each drawing alone.
        ratio: Two points are the same if the next best is further away by this (Lowe's test).
        least: And if the cosine of their descriptors is at least this.
        mutual: And if each is the other's nearest.
    """

    name: str
    widths: tuple[int, ...]
    together: bool
    ratio: float
    least: float
    mutual: bool

    def of(self, grey: NDArray[np.uint8]) -> Features:
        """The points of a picture, ``h x w``."""
        ...


@dataclass
class Sift:
    """SIFT of OpenCV."""

    name: str = "sift"
    widths: tuple[int, ...] = SKIN_WIDTHS
    together: bool = True
    ratio: float = 0.8
    least: float = 0.0
    mutual: bool = False

    def of(self, grey: NDArray[np.uint8]) -> Features:
        """The points of a picture, ``h x w``."""
        sift = cv2.SIFT.create(
            nfeatures=MOST_POINTS, contrastThreshold=CONTRAST, enable_precise_upscale=True
        )
        keypoints, found = sift.detectAndCompute(grey, None)
        if not keypoints:
            return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
        points = np.array([each.pt for each in keypoints], np.float32) + 0.5
        share = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6)
        return Features(points, np.sqrt(share).astype(np.float32))


@dataclass
class XFeat:
    """XFeat of kornia.

    Attributes:
        network: A ``kornia.feature.XFeat`` with weights in it.
    """

    network: Any
    name: str = "xfeat"
    widths: tuple[int, ...] = XFEAT_WIDTHS
    together: bool = False
    ratio: float = 1.0
    least: float = XFEAT_LEAST
    mutual: bool = True

    def of(self, grey: NDArray[np.uint8]) -> Features:
        """The points of a picture, ``h x w``."""
        import torch

        # It takes sides of whole 32s; what is missing is filled, so that nothing is resized.
        height, width = grey.shape
        filled = np.pad(grey, ((0, -height % 32), (0, -width % 32)), mode="edge")
        picture = torch.from_numpy(filled).float()[None, None] / 255
        (found,) = self.network.detectAndCompute(picture, top_k=MOST_POINTS)
        points = found["keypoints"].numpy().astype(np.float32) + 0.5
        inside = (points[:, 0] < width) & (points[:, 1] < height)
        descriptors = found["descriptors"].numpy().astype(np.float32)
        return Features(points[inside], descriptors[inside])


def kinds(xfeat_weights: Path | None = None) -> tuple[list[Kind], str]:
    """All ways that this machine has, and what is to be said of XFeat.

    Args:
        xfeat_weights: A file of its weights; None for the one that kornia keeps once the user has
            fetched it.

    Raises:
        BadWeights: The file that was named is not there, or is none of XFeat's.
    """
    if xfeat_weights is not None and not xfeat_weights.is_file():
        raise BadWeights(
            f"{xfeat_weights} is not a file", "name the file of XFeat's weights (xfeat.pt)"
        )
    if importlib.util.find_spec("kornia") is None:
        return [Sift()], "unavailable (kornia is not installed)"
    weights = xfeat_weights or _fetched()
    if weights is None:
        return [Sift()], "unavailable (no weights: name a file of them)"
    return [Sift(), xfeat(weights)], USED


def xfeat(weights: Path) -> XFeat:
    """XFeat with weights from a file.

    Raises:
        BadWeights: It is none of XFeat's.
    """
    import torch
    from kornia.feature import XFeat as Network

    network = Network(top_k=MOST_POINTS)
    fix = "name the file that XFeat's authors publish (xfeat.pt)"
    try:
        tensors = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever a file's content leads to
        raise BadWeights(f"{weights} is no file of weights", fix) from error
    try:
        network.net.load_state_dict(tensors)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise BadWeights(f"{weights} holds no weights of XFeat", fix) from error
    return XFeat(network.eval())


def _fetched() -> Path | None:
    """Where kornia keeps the weights that the user has fetched with it: torch's folder.

    Told as torch does, without importing it: that takes seconds in every worker.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser()
    path = home / "hub" / "checkpoints" / XFEAT_FILE
    return path if path.is_file() else None
