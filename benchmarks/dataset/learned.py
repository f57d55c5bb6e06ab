"""The table of what a learned parser reads of skins that it was never shown.

    python -m benchmarks.dataset.learned --parser FILE [--detector FILE] [--skins a,b] [--seeds N]
                                         [--first-seed N] [--seconds S] [--json]

A clip of each skin, with made-up play over a moving game and through H.264, is read once with the
true box and, where a detector is named, once with the box that it finds (where it finds none,
nothing is pressed).  Opaque skins and others apart, beside a reader that says nothing is pressed
and sticks are in the middle.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.engines import processor
from nitropilot.dataset.parsing.files import load_parser
from nitropilot.dataset.teaching.skins import Spot, on_skins, summary
from nitropilot.dataset.templates.library import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.dataset.teaching.skins import SkinScore
    from nitropilot.dataset.video.frames import Video

HEAD = (
    "| box | skins | accuracy | always off | macro-F1 (worst) | R2 (worst) | always centre |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def longest(detector: Path) -> Callable[[Video], Spot | None]:
    """Where a detector says that a controller is, for the longest time."""
    from nitropilot.dataset.detecting.detect import detect
    from nitropilot.dataset.detecting.weights import load

    loaded = load(detector)

    def looks(video: Video) -> Spot | None:
        found = detect(video, loaded).found
        best = max(found, key=lambda each: each.last - each.first, default=None)
        return None if best is None else Spot(best.box, best.first, best.last)

    return looks


def rows(box: str, scores: Sequence[SkinScore]) -> list[str]:
    """The lines of one way to have the box: both kinds, then each skin."""
    lines = []
    for name, opaque in (("opaque", True), ("outline, translucent", False)):
        some = [each for each in scores if each.opaque is opaque]
        if some:
            mean = summary(some)[name]
            worst = min(each.f1 for each in some), min(each.r2 for each in some)
            lines.append(
                f"| {box} | {name} | {mean['accuracy']:.4f} | {mean['always_off']:.4f} "
                f"| {mean['f1']:.3f} ({worst[0]:.3f}) | {mean['r2']:.3f} ({worst[1]:.3f}) "
                f"| {mean['always_centre']:.3f} |"
            )
    return lines + [
        f"| {box} | {each.skin} | {each.accuracy:.4f} | {each.always_off:.4f} | {each.f1:.3f} "
        f"| {each.r2:.3f} | {each.always_centre:.3f} |"
        for each in sorted(scores, key=lambda each: each.f1)
    ]


def main() -> None:
    """Measure, and print."""
    known = shipped()
    options = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    options.add_argument("--parser", type=Path, required=True)
    options.add_argument("--detector", type=Path)
    options.add_argument("--skins", default=",".join(known.names))
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--first-seed", type=int, default=100)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--json", action="store_true")
    told = options.parse_args()
    eye = load_parser(told.parser).parser
    boxes: dict[str, Callable[[Video], Spot | None] | None] = {"true": None}
    if told.detector is not None:
        boxes["detected"] = longest(told.detector)
    templates = [known.get(name) for name in told.skins.split(",")]
    seeds = range(told.first_seed, told.first_seed + told.seeds)
    start = time.process_time()
    found = {
        box: [score for seed in seeds
              for score in on_skins(eye, templates, told.seconds, seed=seed, looks=looks)]
        for box, looks in boxes.items()
    }  # fmt: skip
    took = time.process_time() - start
    if told.json:
        print(json.dumps({"processor": processor(), "cpu_s": round(took, 1),
                          **{box: summary(scores) for box, scores in found.items()}}))  # fmt: skip
        return
    print(f"{processor()}, {took:.0f} s of CPU\n\n{HEAD}")
    print("\n".join(line for box, scores in found.items() for line in rows(box, scores)))


if __name__ == "__main__":
    main()
