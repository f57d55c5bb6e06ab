"""NitroPilot's own play with an overlay drawn on it, read back, against what was pressed.

    python -m benchmarks.dataset.own [--minutes M] [--games a,b] [--skins a,b] [--seed N]
                                     [--size P] [--hz 30|60] [--out DIR] [--json]

A set is made as ``nitropilot dataset make arcade`` does, its videos are read by the pipeline with
all skins that come along at hand, and the rows of both are compared: accuracy, macro-F1 and R2
beside a reader that says that nothing is pressed and sticks are in the middle (R2 0).  The last
column says by how many rows labels would have to be moved to fit best: 0 is right.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.dataset.making import made_set, read_set, states_in
from benchmarks.engines import processor
from nitropilot.dataset.made.make import Wanted
from nitropilot.dataset.scoring.scores import Score, score
from nitropilot.dataset.templates.library import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.dataset.making import Read

GAMES = ("runner", "arena", "maze", "road", "pulse")
REACH = 4
HEAD = (
    "| videos | of | right skin | accuracy (worst) | always off | macro-F1 (worst) | R2 (worst) "
    "| rows off by |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
)


class Row(NamedTuple):
    """One video, compared.

    Attributes:
        video: Its name.
        skin: The one that was drawn.
        right: Whether it was found, and its labels written.
        score: Of the labels; None where there are none.
        off: Rows by which labels are late.
    """

    video: str
    skin: str
    right: bool
    score: Score | None
    off: int


def compared(one: Read) -> Row:
    """What was read of a video against what it shows."""
    right = one.result.overlay.skin == one.level.skin and not one.result.set_aside
    if not one.result.written:
        return Row(one.level.video_id, one.level.skin, False, None, 0)
    said, true = states_in(one.labels), states_in(one.truth)
    count = min(len(said), len(true))
    outputs = shipped().get(one.level.skin).outputs
    whole = score(said.part(0, count), true.part(0, count), outputs)

    def wrong(off: int) -> float:
        """With labels moved so many rows earlier."""
        first, last = max(off, 0), count + min(off, 0)
        late = said.published()[first:last], said.sticks[first:last]
        fits = true.published()[first - off : last - off], true.sticks[first - off : last - off]
        return float((late[0] != fits[0]).mean() + np.abs(late[1] - fits[1]).mean())

    off = min(range(-REACH, REACH + 1), key=lambda each: (wrong(each), abs(each)))
    return Row(one.level.video_id, one.level.skin, right, whole, off)


def line(name: str, rows: Sequence[Row]) -> str:
    """One line of the table."""
    scores = [each.score for each in rows if each.score]
    right = sum(each.right for each in rows)
    if not scores:
        return f"| {name} | {len(rows)} | {right} | | | | | |"
    accuracy, f1 = [s.accuracy for s in scores], [s.f1 for s in scores]
    r2, off = [s.r2 for s in scores], sorted({each.off for each in rows if each.score})
    return (
        f"| {name} | {len(rows)} | {right} | {np.mean(accuracy):.4f} ({min(accuracy):.4f}) "
        f"| {np.mean([s.always_off for s in scores]):.3f} "
        f"| {np.nanmean(f1):.3f} ({np.nanmin(f1):.3f}) | {np.nanmean(r2):.3f} "
        f"({np.nanmin(r2):.3f}) | {', '.join(map(str, off))} |"
    )


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--games", default=",".join(GAMES))
    options.add_argument("--skins", default=",".join(shipped().names))
    options.add_argument("--seed", type=int, default=27)
    options.add_argument("--size", type=int, default=512)
    options.add_argument("--hz", type=int, default=60)
    options.add_argument("--out", type=Path, help="keeps the set; else it is thrown away")
    options.add_argument("--json", action="store_true")
    return options.parse_args(words)


def main(words: Sequence[str] | None = None, tell: Callable[[str], None] = print) -> list[Row]:
    """Make, read, compare, and print."""
    told = parsed(words)
    wanted = Wanted(
        tuple(told.games.split(",")), tuple(told.skins.split(",")), told.seed, told.hz, told.size
    )
    with tempfile.TemporaryDirectory() as thrown:
        out = told.out or Path(thrown)
        made = made_set(out / "made", wanted, told.minutes / 60)
        rows = [compared(one) for one in read_set(made, out / "read")]
    if told.json:
        tell(json.dumps({"processor": processor(), "rows": [
            {**each._asdict(), "score": each.score and each.score._asdict()} for each in rows
        ]}))  # fmt: skip
        return rows
    tell("\n".join(["", str(processor()["name"]), "", HEAD, line("all", rows)]))
    for skin in sorted({each.skin for each in rows}):
        tell(line(skin, [each for each in rows if each.skin == skin]))
    return rows


if __name__ == "__main__":
    main()
