"""``nitropilot dataset train-detector``: a network that finds controllers of any look."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note
from nitropilot.server.cli.terminal.progress import progress_bar

MINUTES = 25.0
SIZE = (360, 640)
"""Height and width of made-up videos: as large as a closer look needs them."""


def train_detector(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The detector; must not be there.")],
    minutes: Annotated[
        float | None,
        typer.Option(min=0.1, help=f"How long it learns; {MINUTES:.0f} if nothing is said."),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="Made-up videos it learns from, instead of --minutes."),
    ] = None,
    held_out: Annotated[
        int, typer.Option(min=10, help="Made-up videos it is scored on, of looks it never saw.")
    ] = 600,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is made up.")] = 0,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Processes that make videos up.")] = 2,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run of this file that was ended.")
    ] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Train a detector of controllers that no template knows, on made-up videos.

    Ctrl-C ends it, and the same command with --resume goes on.  With --samples a seed gives the
    same weights each time.  The score from which on it claims a controller is chosen so that it
    claims none in made-up videos without one.
    """
    from nitropilot.dataset.detecting.training import Recipe, train
    from nitropilot.dataset.styles.stream import scenes

    if minutes is not None and samples is not None:
        raise typer.BadParameter("name one of --minutes and --samples", param_hint="--samples")
    if samples is None and minutes is None:
        minutes = MINUTES
    recipe = Recipe(seed, minutes, samples, held_out, workers=workers)
    with progress_bar() as tell:
        trained = train(recipe, partial(scenes, size=SIZE), spelled(out), resume=resume, tell=tell)
    if as_json:
        print_json({"file": str(trained.path), "card": trained.card})
        return
    told = trained.card["held_out"]
    print_note(f"{trained.path}: {trained.card['scenes']} made-up videos learned from")
    for name in ("opaque", "translucent"):
        one = told[name]
        print_note(f"{name}: {one['iou_over_0.7']} of {one['videos']} found "
                   f"(IoU over 0.7), mean IoU {one['mean_iou']}")  # fmt: skip
    print_note(f"claimed in videos without one: {told['claimed']} of {told['without']}")
