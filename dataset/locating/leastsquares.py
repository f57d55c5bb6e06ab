"""Weighted robust least squares over the planes of a picture.

Weights are of two kinds: what a pixel counts at all, and by Cauchy's cost less the more it is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Planes

    Plane = NDArray[np.float32]
    Vector = NDArray[np.float64]

FAINTEST = 0.05
"""Of opacity: less cannot be seen."""
LEVELS = 1.0
"""The difference between skin and picture is no less than that: levels are whole numbers."""


class Seen(NamedTuple):
    """What does not change while a pose does: by planes."""

    wanted: list[Plane]
    behind: list[Plane]
    weights: list[Plane]


def best_opacity(changes: list[Plane], seen: Seen) -> float:
    """Weighted least squares, twice: what is off by much the first time counts less then."""
    opacity, scale = 1.0, None
    for _ in range(3):
        above = below = 0.0
        for wanted, behind, change, weights in zip(
            seen.wanted, seen.behind, changes, seen.weights, strict=True
        ):
            off = wanted - behind
            weight = weights
            if scale is not None:
                weight = weights / (1 + np.square((off - opacity * change) / scale))
            above += float((weight * change * off).sum())
            below += float((weight * change * change).sum())
        opacity = min(max(above / below if below else 1.0, FAINTEST), 1.0)
        first = seen.wanted[0] - seen.behind[0] - opacity * changes[0]
        scale = spread(first, seen.weights[0])
    return opacity


def next_step(
    errors: list[Plane],
    slopes: list[Plane],
    seen: Seen,
    scale: tuple[float, ...],
    damping: float,
) -> Vector:
    """The damped Gauss-Newton step."""
    count = slopes[0].shape[-1]
    normal, right = np.zeros((count, count)), np.zeros(count)
    for error, slope, weights, level in zip(errors, slopes, seen.weights, scale, strict=True):
        weight = weights / (1 + np.square(error / level)) / level**2
        flat = slope.reshape(-1, count)
        weighted = flat * weight.reshape(-1, 1)
        normal += weighted.T @ flat
        right += weighted.T @ error.ravel()
    diagonal = np.diag(normal)
    normal = normal + np.diag(damping * diagonal + 1e-9 * max(float(diagonal.max()), 1.0))
    return np.asarray(np.linalg.solve(normal, right), np.float64)


def cost_of(errors: list[Plane], seen: Seen, scale: tuple[float, ...]) -> float:
    """Cauchy's cost of all that is off, counted by what is usually off in each plane."""
    total = 0.0
    for error, weights, level in zip(errors, seen.weights, scale, strict=True):
        total += float((weights * np.log1p(np.square(error / level))).sum())
    return total


def paired(errors: list[Plane], seen: Seen) -> zip[tuple[Plane, Plane]]:
    """What is off in each plane, and what its pixels count."""
    return zip(errors, seen.weights, strict=True)


def spread(error: Plane, weights: Plane) -> float:
    """How much is usually off where it counts: a standard deviation by the median."""
    counted = np.abs(error[weights > 0])
    return max(1.4826 * float(np.median(counted)), LEVELS) if counted.size else LEVELS


def blurred(planes: Planes, blur: float) -> list[Plane]:
    """Planes blurred by that many pixels of brightness; 0 for not at all."""
    if not blur:
        return [np.asarray(plane, np.float32) for plane in planes]
    sizes = (blur, blur / 2, blur / 2)
    return [
        np.asarray(cv2.GaussianBlur(np.asarray(plane, np.float32), (0, 0), size), np.float32)
        for plane, size in zip(planes, sizes, strict=True)
    ]
