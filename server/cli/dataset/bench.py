"""``nitropilot dataset bench``: how well the controller in your own videos is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_table

if TYPE_CHECKING:
    from nitropilot.dataset.extracting.one import Ways
    from nitropilot.dataset.scoring.bench import Benched


def bench(
    video: Annotated[Path, typer.Option(help="With the controller in it.")],
    truth: Annotated[Path, typer.Option(metavar="RECORDING", help="A recording of the same play.")],
    template: Annotated[
        str | None, typer.Option(metavar="NAME", help="Look for this one alone.")
    ] = None,
    templates: Annotated[
        Path | None, typer.Option(help="Templates of your own, beside those that come along.")
    ] = None,
    offset: Annotated[
        float | None,
        typer.Option(help="Seconds of the recording before the video begins; else it is found."),
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Read a video and hold it against a recording that was made meanwhile.

    Beside it stands what is right without looking: nothing pressed, sticks in the middle.
    """
    from nitropilot.dataset.scoring.bench import bench as measured
    from nitropilot.dataset.scoring.truth import read_truth

    known = read_truth(spelled(truth))
    found = measured(spelled(video), known, _ways(template, templates), offset)
    if as_json:
        print_json(found.plain())
        return
    _print(found)


def _ways(template: str | None, templates: Path | None) -> Ways:
    """How controllers are found and read: all that are known, or one alone."""
    from nitropilot.dataset.extracting.one import Ways, known_ways
    from nitropilot.dataset.locating.locate import locator
    from nitropilot.dataset.reading.read import read
    from nitropilot.dataset.templates.library import library

    own = spelled(templates) if templates else None
    if template is None:
        return known_ways(None if own is None else str(own))
    return Ways(locator([library(own).get(template)]).search, read)


def _print(found: Benched) -> None:
    columns = ("", "accuracy", "macro-F1", "stick R2", "worst button")
    rows = [
        (name, f"{one.accuracy:.4f}", f"{one.f1:.3f}", f"{one.r2:.3f}", " ".join(
            (one.worst[0], f"{one.worst[1]:.3f}")) if one.worst[0] else "")
        for name, one in (("reading", found.score), ("always off, centre", found.blind))
    ]  # fmt: skip
    print_table(f"{found.skin}: {found.frames} frames", columns, rows)
    lines = [(name, f"{f1:.3f}", count) for name, (f1, count) in found.buttons.items()]
    print_table("Buttons", ("button", "F1", "frames down"), lines)
    how = "given" if found.agreement is None else f"found; they agree by {found.agreement:.2f}"
    print_note(f"the video begins {found.offset:.3f} s into the recording ({how})")
