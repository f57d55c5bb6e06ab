"""Clips whose skin nobody knows: whether the detector has its box, and what it costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.dataset.trials import is_opaque, make_clip
from nitropilot.dataset.detecting.detect import detect
from nitropilot.dataset.locating.neutral import neutral
from nitropilot.dataset.pose import overlap
from nitropilot.dataset.video.frames import open_video

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.dataset.trials import Condition
    from nitropilot.dataset.detecting.detector import Detector
    from nitropilot.dataset.templates.template import Template

FOUND, CLOSE = 0.7, 0.9
"""Intersection over union from which on a box is right, and close."""
UNKNOWN_HEAD = (
    "| skins, unknown | clips | IoU > .7 | IoU > .9 | mean IoU (worst) | score (lowest) "
    "| claimed twice | CPU s |"
)


class Unknown(NamedTuple):
    """One clip, looked at by the detector.

    Attributes:
        skin: Which.
        opaque: Whether it covers what is behind it.
        condition: How the clip was made.
        iou: Of the box with all that the skin shows; 0 where nothing was claimed.
        score: The highest of any place.
        regions: Places and times that were claimed; 1 is right.
        cost: CPU seconds.
    """

    skin: str
    opaque: bool
    condition: str
    iou: float
    score: float
    regions: int
    cost: float


def unknown(
    template: Template, detector: Detector, condition: Condition, seed: int, path: Path
) -> Unknown:
    """Make a clip, look for a controller of any look in it.

    Args:
        template: The skin.
        detector: Knows none.
        condition: How the clip is made.
        seed: Decides all that is random.
        path: Where the clip is written.
    """
    _, pose = make_clip(template, condition, seed, path)
    true = neutral(template, pose.scale).place(pose)
    video = open_video(path)
    start = time.process_time()
    found = detect(video, detector)
    cost = time.process_time() - start
    longest = max(found.found, key=lambda each: each.last - each.first, default=None)
    return Unknown(
        template.name, is_opaque(template), condition.name,
        overlap(longest.box, true) if longest else 0.0, found.best_score, len(found.found), cost,
    )  # fmt: skip


def unknown_table(trials: Sequence[Unknown]) -> list[str]:
    """The lines of all conditions, and of each skin under the first."""
    lines = ["", UNKNOWN_HEAD, "| " + "--- | " * 8]
    for condition in dict.fromkeys(each.condition for each in trials):
        for name, opaque in (("opaque", True), ("outline, translucent", False)):
            some = [t for t in trials if t.condition == condition and t.opaque is opaque]
            if some:
                lines.append(_row(f"{name}, {condition}", some))
    for skin in dict.fromkeys(each.skin for each in trials):
        some = [t for t in trials if t.skin == skin and t.condition == trials[0].condition]
        lines.append(_row(skin, some))
    return lines


def _row(name: str, trials: Sequence[Unknown]) -> str:
    ious, scores = [each.iou for each in trials], [each.score for each in trials]
    found, close = (float(np.mean([iou > least for iou in ious])) for least in (FOUND, CLOSE))
    return (
        f"| {name} | {len(trials)} | {found:.2f} | {close:.2f} "
        f"| {np.mean(ious):.3f} ({min(ious):.3f}) | {np.mean(scores):.2f} ({min(scores):.2f}) "
        f"| {sum(each.regions > 1 for each in trials)} "
        f"| {np.mean([each.cost for each in trials]):.2f} |"
    )
