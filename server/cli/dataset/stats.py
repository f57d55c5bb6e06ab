"""``nitropilot dataset stats``: an extracted set in figures, also while it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_table

MOST_ROWS = 20
"""Lines of a table; ``--json`` has all."""


def stats(
    folder: Annotated[Path, typer.Argument(metavar="SET", help="From ``dataset extract``.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show hours in and out by game, genre, creator, skin and licence, and why the rest was left.

    The report has pictures to it; this needs none, and can be asked while the set is made.
    """
    from nitropilot.dataset.extracting.folder import results_in
    from nitropilot.dataset.output.tally import tally

    figures = tally(results_in(spelled(folder)))
    if as_json:
        print_json(figures)
        return
    for group, its in figures["by"].items():
        rows = [
            (name, str(one["videos"]), f"{one['hours_in']:.2f}", f"{one['hours_out']:.2f}")
            for name, one in its.items()
        ]
        columns = (group, "videos", "hours in", "hours out")
        print_table(f"By {group}", columns, rows[:MOST_ROWS])
        if len(rows) > MOST_ROWS:
            print_note(f"and {len(rows) - MOST_ROWS} more of {group}")
    print_table("Left out", ("reason", "hours"), [
        (name, f"{seconds / 3600:.3f}") for name, seconds in figures["dropped"].items()
    ])  # fmt: skip
    print_table("What became of videos", ("", "videos"), _counts(figures["became"]))
    print_table("Not known", ("fact", "videos"), _counts(figures["unknown"]))
    print_note(
        f"{figures['videos']} videos, {figures['hours_in']:.2f} hours in, "
        f"{figures['hours_out']:.2f} hours out"
    )


def _counts(counts: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(count)) for name, count in counts.items()]
