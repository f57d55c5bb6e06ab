"""What a detector scores on looks that it never learned from, and from which score on it claims."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nitropilot.dataset.detecting.detector import PARTS, look, stretches
from nitropilot.dataset.pose import overlap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nitropilot.dataset.detecting.detector import Eye
    from nitropilot.dataset.styles.sample import Scene

LEAST = 0.3
"""No lower score claims, however low those of empty videos are."""
CLEAR = 0.25
"""How far a claim is above the highest score of an empty video, in logits, at least."""
FEW = 0.05
"""Share of controllers that may lie below the middle between them and empty videos."""
GOOD, CLOSE = 0.7, 0.9
"""Intersection over union from which on a box counts as found, and as found closely."""
NEVER = 1e-6
"""Scores nearer to 0 and 1 are not told apart."""


class Tried(NamedTuple):
    """One scene, looked at.

    Attributes:
        shown: Whether it has a controller.
        opaque: Whether nothing shows through that.
        score: Of the best place.
        iou: Of its box with the true one; 0 where there is none.
    """

    shown: bool
    opaque: bool
    score: float
    iou: float


def tried(eye: Eye, scenes: Iterable[Scene]) -> list[Tried]:
    """Look at scenes twice, however low a score is; at those without a controller in their parts,
    too, as a video is looked at that shows none."""
    found = []
    for scene in scenes:
        ways = PARTS if scene.box is None else (1,)
        looks = [
            look(eye, scene.pictures[first:last], 0.0)
            for parts in ways for first, last in stretches(len(scene.pictures), parts)
        ]  # fmt: skip
        box, score = max(looks, key=lambda each: each[1])
        iou = overlap(box, scene.box) if scene.box else 0.0
        found.append(Tried(scene.box is not None, scene.opaque, score, iou))
    return found


def threshold_of(trials: Sequence[Tried]) -> float:
    """The score from which on nothing is claimed in empty videos: between them and controllers.

    Above the highest of those without, and half way to the lowest of those with one if that is
    higher (all but ``FEW`` of them).
    """
    without = [_logit(each.score) for each in trials if not each.shown]
    shown = [_logit(each.score) for each in trials if each.shown and each.iou >= GOOD]
    lowest = _logit(LEAST)
    if without:
        highest = max(without)
        lowest = max(lowest, highest + CLEAR)
        if shown:
            lowest = max(lowest, (highest + float(np.quantile(shown, FEW))) / 2)
    return math.ceil(1e6 / (1 + math.exp(-lowest))) / 1e6


def figures(trials: Sequence[Tried], threshold: float) -> dict[str, Any]:
    """For the card: what is found of opaque controllers and of others, and what is claimed."""
    without = [each.score for each in trials if not each.shown]
    told: dict[str, Any] = {
        "threshold": threshold,
        "without": len(without),
        "claimed": sum(score >= threshold for score in without),
        "highest_without": round(max(without, default=0.0), 4),
    }
    for name, opaque in (("opaque", True), ("translucent", False)):
        some = [each for each in trials if each.shown and each.opaque is opaque]
        ious = [each.iou if each.score >= threshold else 0.0 for each in some]
        told[name] = {
            "videos": len(some),
            "claimed": sum(each.score >= threshold for each in some),
            "iou_over_0.7": sum(iou > GOOD for iou in ious),
            "iou_over_0.9": sum(iou > CLOSE for iou in ious),
            "mean_iou": round(float(np.mean(ious)), 4) if ious else None,
        }
    return told


def _logit(score: float) -> float:
    inside = min(max(score, NEVER), 1 - NEVER)
    return float(np.log(inside / (1 - inside)))
