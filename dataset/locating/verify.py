"""Whether a skin is really where it is said to be: by how it looks there.

Points that agree are no proof: a game's own signs have corners too, and skins of one family share
most of theirs.  So the skin is drawn at its pose and held against the temporal median of the video.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.locating.neutral import ground

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Colours, Planes
    from nitropilot.dataset.locating.neutral import Neutral
    from nitropilot.dataset.locating.refine import Refined
    from nitropilot.dataset.pose import Box

    Plane = NDArray[np.float32]

LEAST = 0.45
"""Below this score a skin is not there.  Seen in H.264 at crf 26 to 28: .81 for an opaque skin, .69
for an outline at opacity .8; of crude skins, what a game happens to show under one, less than half
of this: structure and levels would both have to agree."""
FINE, COARSE = 0.7, 4.0
"""Pixels: structure is what lies between these two blurs, so neither noise nor large areas."""
LEVELS = 10.0
"""A pixel that is off by that many levels agrees by .6, by twice as many hardly."""
SLOPE = 0.25
"""Where a skin has edges, it may be off by that share of their height besides: by a residue of the
pose, and by what codecs do to edges."""
GAIN_CUT = 40.0
"""Levels: what is off by more counts no more."""


class Verdict(NamedTuple):
    """How well a skin fits what is seen.

    Attributes:
        score: Structure times agreement, 0 to 1.
        structure: The correlation of the skin's lines with those that are seen.
        agreement: The share of its surface that has the brightness and colours that it should.
        gain: How much of what is seen it explains that its surroundings do not: to choose between
            two skins in one place, of which one may have less on it.
    """

    score: float
    structure: float
    agreement: float
    gain: float


NOTHING = Verdict(0.0, 0.0, 0.0, 0.0)


def verify(median: Planes, box: Box, skin: Neutral, at: Refined, colours: Colours) -> Verdict:
    """Hold a skin against what is seen.

    Args:
        median: The temporal median of a part of a video.
        box: Which part: of even sides, from an even pixel on.
        skin: The skin.
        at: Where it is said to be, and its opacity.
        colours: How the video writes them.
    """
    layer = skin.layer(at.pose, box, colours)
    if not (layer.alpha > 0).any():
        return NOTHING
    free = ground(layer)
    behind = free.behind(median)
    expected = layer.over(behind, at.opacity)
    cover = 1 - free.free
    structure = max(
        0.0, _correlation(banded(expected.y), banded(np.asarray(median.y, np.float32)), cover)
    )
    alphas = (layer.alpha, layer.chroma_alpha, layer.chroma_alpha)
    agreement, gain = 0.0, 0.0
    for seen, wanted, back, alpha in zip(median, expected, behind, alphas, strict=True):
        off, before = np.abs(seen - wanted), np.abs(seen - back)
        bearable = LEVELS + SLOPE * _height(wanted)
        agreement += _mean(np.exp(-0.5 * np.square(off / bearable)), alpha) / 3
        gain += float((np.minimum(before, GAIN_CUT) - np.minimum(off, GAIN_CUT)).sum())
    return Verdict(structure * agreement, structure, agreement, gain)


def banded(plane: Plane) -> Plane:
    """The structure of a plane."""
    fine, coarse = (cv2.GaussianBlur(plane, (0, 0), size) for size in (FINE, COARSE))
    return np.asarray(fine - coarse, np.float32)


def _correlation(one: Plane, other: Plane, weights: Plane) -> float:
    """Pearson's, with weights."""
    one, other = one - _mean(one, weights), other - _mean(other, weights)
    both = float((weights * one * other).sum())
    size = float((weights * one * one).sum()) * float((weights * other * other).sum())
    return both / size**0.5 if size > 0 else 0.0


def _mean(values: Plane, weights: Plane) -> float:
    return float((values * weights).sum()) / max(float(weights.sum()), 1e-9)


def _height(plane: Plane) -> Plane:
    """How much a plane changes within a pixel on each side."""
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(plane, kernel) - cv2.erode(plane, kernel), np.float32)
