"""The table of what reading controllers of known skins reaches.

    python -m benchmarks.dataset [--skins a,b] [--seeds N] [--first-seed N] [--conditions usual,...]
                                 [--empty N] [--json]
    python -m benchmarks.dataset --unknown FILE [...]

Clips are made of every skin, with made-up play over moving pictures, through H.264; then the skin
is looked for among all that come along, and read.  Opaque skins and others apart, beside a reader
that says nothing is pressed and sticks are in the middle (R2 0).  ``--empty`` counts skins that are
claimed on videos without one.  With ``--unknown`` a detector looks at the same clips, to which all
skins are unknown: see ``unknown``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.dataset.trials import CONDITIONS, Trial, trial
from benchmarks.dataset.unknown import measure_unknown
from benchmarks.engines import processor
from nitropilot.dataset.locating.locate import locator
from nitropilot.dataset.synth.clips import Coding, write_frames
from nitropilot.dataset.synth.scenes import KINDS, scene
from nitropilot.dataset.templates.library import shipped
from nitropilot.dataset.video.frames import open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.dataset.locating.locate import Locator

HEAD = (
    "| skins | clips | found | IoU > .9 | off, px | accuracy (worst clip) | always off "
    "| macro-F1 (worst) | R2 (worst) | CPU a second of video |"
)


def row(name: str, trials: Sequence[Trial]) -> str:
    """One line of the table."""
    scores = [each.score for each in trials if each.score]
    found = np.mean([each.right for each in trials])
    close = np.mean([each.iou > 0.9 for each in trials])
    if not scores:
        return f"| {name} | {len(trials)} | {found:.2f} | {close:.2f} | | | | | | |"
    accuracy, f1 = [s.accuracy for s in scores], [s.f1 for s in scores]
    r2, off = [s.r2 for s in scores], float(np.nanmedian([t.off for t in trials]))
    always_off = np.mean([s.always_off for s in scores])
    cost = [(t.locating + t.preparing + t.reading) / t.seconds for t in trials if t.score]
    return (
        f"| {name} | {len(trials)} | {found:.2f} | {close:.2f} | {off:.3f} "
        f"| {np.mean(accuracy):.4f} ({min(accuracy):.4f}) | {always_off:.3f} "
        f"| {np.nanmean(f1):.3f} ({np.nanmin(f1):.3f}) "
        f"| {np.nanmean(r2):.3f} ({np.nanmin(r2):.3f}) | {np.mean(cost):.2f} |"
    )


def claimed(count: int, looks: Locator, folder: Path) -> int:
    """Of so many videos without a controller, those on which one is claimed."""
    wrong = 0
    for number in range(count):
        rng = np.random.default_rng((99, number))
        kind = sorted(KINDS)[number % len(KINDS)]
        path = folder / "empty.mp4"
        write_frames(path, scene(kind, rng, 640, 360, 90), np.arange(90) / 30, Coding())
        wrong += bool(looks.search(open_video(path)).found)
    return wrong


def table(trials: Sequence[Trial]) -> list[str]:
    """The lines of all conditions, and of each skin under the first."""
    lines = [HEAD, "| " + "--- | " * 10]
    for condition in dict.fromkeys(each.condition for each in trials):
        for name, opaque in (("opaque", True), ("outline, translucent", False)):
            some = [t for t in trials if t.condition == condition and t.opaque is opaque]
            if some:
                lines.append(row(f"{name}, {condition}", some))
    first = trials[0].condition
    for skin in dict.fromkeys(each.skin for each in trials):
        lines.append(row(skin, [t for t in trials if t.skin == skin and t.condition == first]))
    return lines


def main(tell: Callable[[str], None] = print) -> None:
    """Measure, and print."""
    known = shipped()
    options = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    options.add_argument("--skins", default=",".join(known.names))
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--first-seed", type=int, default=100)
    options.add_argument("--conditions", default=",".join(each.name for each in CONDITIONS))
    options.add_argument("--empty", type=int, default=0)
    options.add_argument("--json", action="store_true")
    options.add_argument("--unknown", type=Path, metavar="FILE", help="a detector's weights")
    told = options.parse_args()
    if told.unknown:
        measure_unknown(told, known, tell)
        return
    wanted = told.conditions.split(",")
    looks = locator(known.templates)
    trials = []
    with tempfile.TemporaryDirectory() as folder:
        for condition in (each for each in CONDITIONS if each.name in wanted):
            for name in told.skins.split(","):
                for seed in range(told.first_seed, told.first_seed + told.seeds):
                    path = Path(folder) / "clip.mp4"
                    trials.append(trial(known.get(name), looks, condition, seed, path))
                    if not told.json:
                        tell(row(f"{name}, {condition.name}, {seed}", trials[-1:]))
        wrong = claimed(told.empty, looks, Path(folder)) if told.empty else 0
    if told.json:
        tell(json.dumps({"processor": processor(), "empty": told.empty, "claimed": wrong,
                         "trials": [each._asdict() for each in trials]}))  # fmt: skip
        return
    tell("\n".join(["", processor(), "", *table(trials)]))
    if told.empty:
        tell(f"claimed on videos without one: {wrong} of {told.empty}")


if __name__ == "__main__":
    main()
