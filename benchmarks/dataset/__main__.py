"""The table of what reading controllers of known skins reaches.

    python -m benchmarks.dataset [--skins a,b] [--seeds N] [--first-seed N] [--conditions usual,...]
                                 [--unread] [--empty N] [--first-empty N] [--json] [--page FILE]
    python -m benchmarks.dataset --unknown FILE [...]

Clips are made of every skin, with made-up play over moving pictures, through H.264; then the skin
is looked for among all that come along, and read.  Opaque skins and others apart, beside a reader
that says nothing is pressed and sticks are in the middle (R2 0).  ``--empty`` counts skins that are
claimed on videos without one, and says how high they score beside those that are there.
``--seeds 0`` leaves out all else, ``--unread`` only finds them, ``--page`` shows the worst clips.
With ``--unknown`` a detector looks at the same clips, to which all skins are unknown: see
``unknown``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.dataset.empties import empty
from benchmarks.dataset.empties import told as in_a_line
from benchmarks.dataset.trials import CONDITIONS, Trial, trial
from benchmarks.dataset.unknown import measure_unknown
from benchmarks.dataset.worst import write_worst
from benchmarks.engines import processor
from nitropilot.dataset.locating.locate import locator
from nitropilot.dataset.templates.library import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


HEAD = (
    "| skins | clips | found | IoU > .9 | off, px | accuracy (worst clip) | always off "
    "| macro-F1 (worst) | R2 (worst) | CPU a second of video |"
)


def row(name: str, trials: Sequence[Trial]) -> str:
    """One line of the table."""
    scores = [each.score for each in trials if each.score]
    found = np.mean([each.right for each in trials])
    close = np.mean([each.iou > 0.9 for each in trials])
    offs = [t.off for t in trials if t.right]
    off = float(np.median(offs)) if offs else float("nan")
    if not scores:
        cost = [t.locating / t.seconds for t in trials]
        found_only = f"| {name} | {len(trials)} | {found:.2f} | {close:.2f} | {off:.3f} "
        return f"{found_only}| | | | | {np.mean(cost):.2f} |"
    accuracy, f1 = [s.accuracy for s in scores], [s.f1 for s in scores]
    r2 = [s.r2 for s in scores]
    always_off = np.mean([s.always_off for s in scores])
    cost = [(t.locating + t.preparing + t.reading) / t.seconds for t in trials if t.score]
    return (
        f"| {name} | {len(trials)} | {found:.2f} | {close:.2f} | {off:.3f} "
        f"| {np.mean(accuracy):.4f} ({min(accuracy):.4f}) | {always_off:.3f} "
        f"| {np.nanmean(f1):.3f} ({np.nanmin(f1):.3f}) "
        f"| {np.nanmean(r2):.3f} ({np.nanmin(r2):.3f}) | {np.mean(cost):.2f} |"
    )


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
    options.add_argument("--unread", action="store_true", help="locate, and read nothing")
    options.add_argument("--empty", type=int, default=0)
    options.add_argument("--first-empty", type=int, default=0)
    options.add_argument("--json", action="store_true")
    options.add_argument("--page", type=Path, metavar="FILE", help="the worst clips as pictures")
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
                    trials.append(
                        trial(known.get(name), looks, condition, seed, path, not told.unread)
                    )
                    if not told.json:
                        tell(row(f"{name}, {condition.name}, {seed}", trials[-1:]))
        none = [
            empty(number, looks, Path(folder) / "empty.mp4")
            for number in range(told.first_empty, told.first_empty + told.empty)
        ]
    if told.json:
        tell(json.dumps({"processor": processor(), "empty": [each._asdict() for each in none],
                         "trials": [each.plain() for each in trials]}))  # fmt: skip
        return
    tell(f"\n{processor()}\n")
    if trials:
        tell("\n".join(table(trials)))
        if told.page:
            machine = ", ".join(f"{name} {value}" for name, value in processor().items())
            write_worst(trials, told.page, [f"{len(trials)} clips. {machine}"])
            tell(f"the worst clips: {told.page}")
        sure = [each.sure for each in trials if each.right]
        tell(f"lowest score of a right one: {min(sure, default=0.0):.2f}")
    if none:
        tell(in_a_line(none))


if __name__ == "__main__":
    main()
