"""Draw what was measured: each run's way through the game, a colour for each way of holding it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.freeze.runs import Run
    from benchmarks.freeze.subjects import Subject
    from benchmarks.freeze.ways import Way


def draw(subject: Subject, runs: Mapping[Way, Sequence[Run]], path: Path) -> None:
    """A row for each number, a column for each kind of way, the free runs grey in all of them."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    free = next(list(some) for way, some in runs.items() if way.name == "free")
    kinds = list(dict.fromkeys(way.name for way in runs if way.name != "free"))
    size = (4.2 * len(kinds), 2.6 * len(subject.read))
    figure, axes = plt.subplots(
        len(subject.read), len(kinds), figsize=size, squeeze=False, sharex=True, sharey="row"
    )
    for row, name in enumerate(subject.read):
        for column, kind in enumerate(kinds):
            axis = axes[row][column]
            for run in free:
                axis.plot(run.times, run.values[:, row], color="0.75", linewidth=2.5)
            for number, way in enumerate(way for way in runs if way.name == kind):
                for run in runs[way]:
                    label = str(way) if run is runs[way][0] else None
                    axis.plot(run.times, run.values[:, row], f"C{number}", lw=0.8, label=label)
            if row == 0:
                axis.set_title(kind)
                axis.legend(fontsize=7)
            if column == 0:
                axis.set_ylabel(name)
            if row == len(subject.read) - 1:
                axis.set_xlabel("game time (s)")
    figure.suptitle(f"{subject.task}: grey is not frozen")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
