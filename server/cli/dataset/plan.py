"""``nitropilot dataset plan``: what to extract, and what it costs, before anything is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.dataset.planning.plan import Order
from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_table

if TYPE_CHECKING:
    from nitropilot.dataset.planning.plan import Plan

MOST_ROWS = 20
"""Lines of a table; ``--json`` has all."""


def plan(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SRC...",
            help="Folders with NAME.info.json of yt-dlp, such files, or CSVs: video, duration in "
            "seconds, game, creator, genre, url, licence.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The list, .json or .csv; must not be there."),
    ] = None,
    cap: Annotated[
        float | None, typer.Option(min=0, help="Most hours of one creator that are listed.")
    ] = None,
    order: Annotated[
        Order, typer.Option(help="One of each creator in turn, the longest first, or by name.")
    ] = Order.SPREAD,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="Seconds of video that a core reads in one; else measured."),
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Make a work list out of sidecars, for ``dataset extract --plan``; no video is opened."""
    from nitropilot.dataset.planning.costs import MEASURED
    from nitropilot.dataset.planning.plan import counted, known_videos, plan_of
    from nitropilot.dataset.planning.planfile import check_name, write_plan

    to = spelled(out) if out else None
    if to:
        check_name(to)
    cost = MEASURED if speed is None else MEASURED._replace(speed=speed)
    made = plan_of(known_videos(map(spelled, sources)), order, cap)
    figures = counted(made.videos)
    figures["over_cap"] = {
        "videos": len(made.over), "hours": sum(each.hours for each in made.over)
    }  # fmt: skip
    figures["core_hours"] = cost.core_hours(figures["hours"], figures["videos"])
    if to:
        write_plan(to, made.videos, figures)
    if as_json:
        print_json(figures)
    else:
        _print(made, figures)
    if to:
        print_note(f"the list is in {to}: nitropilot dataset extract --plan {to} --out SET")


def _print(made: Plan, figures: dict[str, Any]) -> None:
    for group, its in figures["by"].items():
        rows = [(name, str(one["videos"]), f"{one['hours']:.2f}") for name, one in its.items()]
        print_table(f"By {group}", (group, "videos", "hours"), rows[:MOST_ROWS])
        if len(rows) > MOST_ROWS:
            print_note(f"and {len(rows) - MOST_ROWS} more of {group}")
    print_table("Not known", ("fact", "videos"), [
        (name, str(count)) for name, count in figures["unknown"].items()
    ])  # fmt: skip
    said = f"{figures['videos']} videos, {figures['hours']:.2f} hours"
    if made.over:
        over = figures["over_cap"]
        said += f"; {over['videos']} with {over['hours']:.2f} hours are over the cap"
    print_note(f"{said}; about {figures['core_hours']:.1f} core-hours")
    if missing := figures["unknown"]["duration"]:
        print_note(f"of {missing} videos the length is not known: their hours are not counted")
