"""Draw both ways against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.transfer.figures import Budget


def draw(rows: Sequence[Budget], game: str, path: Path) -> None:
    """Progress of both ways, and how far apart they are with its interval."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    minutes = [row.minutes for row in rows]
    left.plot(minutes, [row.tuned for row in rows], "o-", color="C0", label="fine-tuned")
    left.plot(minutes, [row.scratch for row in rows], "o-", color="0.5", label="from scratch")
    left.set_ylabel("progress")
    left.set_ylim(0, 1)
    left.legend()
    apart = [row.apart for row in rows]
    ends = [[row.apart - row.low for row in rows], [row.high - row.apart for row in rows]]
    right.axhline(0, color="0.8")
    right.errorbar(minutes, apart, yerr=ends, fmt="o-", capsize=4)
    right.set_ylabel("fine-tuned less scratch, 95 %")
    for axis in (left, right):
        axis.set_xscale("log")
        axis.set_xticks(minutes, [f"{value:g}" for value in minutes])
        axis.minorticks_off()
        axis.set_xlabel("minutes of demonstrations")
    figure.suptitle(f"{game}, which the base was never taught")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
