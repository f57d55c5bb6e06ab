"""``nitropilot dataset check``: what recordings have to teach, before hours are spent on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.records.errors import RecordsError
from nitropilot.server.cli.dataset.opening import Folders, takes
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from nitropilot.training.checks.quality import Quality

COLUMNS = (
    "recording", "game", "seconds", "hz", "idle", "presses a minute", "stick variance",
    "active chunks", "gaps", "repeated", "",
)  # fmt: skip


def check(
    folders: Folders,
    active: Annotated[
        float,
        typer.Option(min=0, max=1, help="Least share of active steps in a chunk; the paper: 0.5"),
    ] = 0.5,
    horizon: Annotated[int, typer.Option(min=1, max=1024, help="Actions of a chunk.")] = 18,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show what each recording has to teach, and name those that teach nothing.

    Exit status 1 if there is one of these, or one that cannot be read.
    """
    from nitropilot.training.checks.quality import quality_of

    found: list[Quality] = []
    damaged: dict[str, str] = {}
    for name, take in takes(folders):
        if isinstance(take, RecordsError):
            damaged[str(name)] = take.line()
        else:
            found.append(quality_of(take, horizon, active))
    useless = {one.folder: one.useless for one in found if one.useless}
    if as_json:
        print_json(
            {
                "recordings": [one.facts() for one in found], "damaged": damaged,
                "useless": useless, "seconds": round(sum(one.rows / one.hz for one in found), 3),
            }
        )  # fmt: skip
    else:
        print_table("Recordings", COLUMNS, map(_line, found))
        for folder, why in damaged.items():
            print_error(f"{folder} cannot be used: {why}")
        for folder, why in useless.items():
            print_error(f"{folder} teaches nothing: {why}")
    if damaged or useless:
        raise typer.Exit(EXIT_FAILED)


def _line(one: Quality) -> tuple[str, ...]:
    often = sorted(one.presses.items(), key=lambda each: -each[1])
    return (
        one.id, one.game, f"{one.rows / one.hz:.0f}", f"{one.hz:g}", f"{one.idle:.0%}",
        ", ".join(f"{name} {count:.0f}" for name, count in often) or "none",
        " ".join(f"{value:.2f}" for value in one.sticks.values()),
        f"{one.active_chunks:.0%}", f"{one.gaps} ({one.gap_seconds:.1f} s)" if one.gaps else "0",
        f"{one.repeated:.0%}", "teaches nothing" if one.useless else "",
    )  # fmt: skip
