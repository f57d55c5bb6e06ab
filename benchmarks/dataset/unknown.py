"""Clips whose skin nobody knows: whether the detector has its box, and what it costs.

No skin that comes along was ever learned from.  Opaque skins and others apart; a box is right if
its intersection over union with all that the skin shows is over 0.7.  ``--empty`` counts videos
without a controller on which one is claimed, half of them with something that stands still.
"""

from __future__ import annotations

import json
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from benchmarks.dataset.trials import CONDITIONS, is_opaque, make_clip
from benchmarks.engines import processor
from nitropilot.dataset.detecting.detect import detect
from nitropilot.dataset.detecting.weights import load
from nitropilot.dataset.locating.neutral import neutral
from nitropilot.dataset.pose import overlap
from nitropilot.dataset.synth.clips import Coding, write_frames
from nitropilot.dataset.synth.scenes import KINDS, scene
from nitropilot.dataset.video.frames import open_video

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.dataset.trials import Condition
    from nitropilot.dataset.detecting.detector import Detector
    from nitropilot.dataset.templates.library import Library
    from nitropilot.dataset.templates.template import Template

WIDTH, HEIGHT, RATE, FRAMES = 640, 360, 30, 90
"""Of videos without a controller."""
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


def measure_unknown(told: Namespace, known: Library, tell: Callable[[str], None]) -> None:
    """Measure, and print.

    Args:
        told: The options of ``benchmarks.dataset``.
        known: The skins that are drawn into clips.
        tell: Prints.
    """
    detector = load(told.unknown)
    wanted = [each for each in CONDITIONS if each.name in told.conditions.split(",")]
    seeds = range(told.first_seed, told.first_seed + told.seeds)
    trials = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for condition, name, seed in product(wanted, told.skins.split(","), seeds):
            trials.append(unknown(known.get(name), detector, condition, seed, path))
            if not told.json:
                tell(_row(f"{name}, {condition.name}, {seed}", trials[-1:]))
        empty = [_empty(number, detector, path) for number in range(told.empty)]
    if told.json:
        tell(json.dumps({"processor": processor(), "threshold": detector.threshold,
                         "empty": [each._asdict() for each in empty],
                         "trials": [each._asdict() for each in trials]}))  # fmt: skip
        return
    tell("\n".join(["", str(processor()), *(unknown_table(trials) if trials else ())]))
    if empty:
        highest = max(empty, key=lambda each: each.score)
        wrong = sum(each.claimed for each in empty)
        score, least = f"{highest.score:.3f} ({highest.kind})", f"{detector.threshold:.3f}"
        tell(f"claimed on videos without one: {wrong} of {len(empty)}")
        tell(f"highest score of these: {score}; claims begin at {least}")


class Empty(NamedTuple):
    """A video without a controller.

    Attributes:
        kind: Of its scene.
        claimed: Whether one was claimed.
        score: The highest of any place.
    """

    kind: str
    claimed: bool
    score: float


def _empty(number: int, detector: Detector, path: Path) -> Empty:
    rng = np.random.default_rng((99, number))
    kind = sorted(KINDS)[number % len(KINDS)]
    pictures = scene(kind, rng, WIDTH, HEIGHT, FRAMES)
    if number % 2:
        pictures = _with_panels(pictures, rng)
    write_frames(path, pictures, np.arange(FRAMES) / RATE, Coding())
    found = detect(open_video(path), detector)
    return Empty(kind, bool(found.found), found.best_score)


def _with_panels(
    pictures: Iterable[NDArray[np.uint8]], rng: Generator
) -> Iterator[NDArray[np.uint8]]:
    """Plates with round things and letters on them that stand still, as games show skills."""
    plates = [(rng.integers((0, 0), (WIDTH - 120, HEIGHT - 60)), rng.integers(40, 120, 2),
               rng.integers(0, 256, (2, 3)).tolist(), int(rng.integers(1, 6)))
              for _ in range(int(rng.integers(1, 4)))]  # fmt: skip
    for picture in pictures:
        seen = picture.copy()
        for (x, y), (wide, high), (ground, ink), count in plates:
            cv2.rectangle(seen, (int(x), int(y)), (int(x + wide), int(y + high // 2)), ground, -1)
            for index in range(count):
                middle = (int(x + (index + 0.5) * wide / count), int(y + high // 4))
                cv2.circle(seen, middle, int(min(high // 5, wide // (2 * count))), ink, 2)
                cv2.putText(seen, "QERF1"[index], (middle[0] - 5, middle[1] + 5),
                            cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)  # fmt: skip
        yield seen


def _row(name: str, trials: Sequence[Unknown]) -> str:
    ious, scores = [each.iou for each in trials], [each.score for each in trials]
    found, close = (float(np.mean([iou > least for iou in ious])) for least in (FOUND, CLOSE))
    return (
        f"| {name} | {len(trials)} | {found:.2f} | {close:.2f} "
        f"| {np.mean(ious):.3f} ({min(ious):.3f}) | {np.mean(scores):.2f} ({min(scores):.2f}) "
        f"| {sum(each.regions > 1 for each in trials)} "
        f"| {np.mean([each.cost for each in trials]):.2f} |"
    )
