"""``nitropilot dataset template add``: a controller out of your own pictures of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.asking import ask, at_a_terminal
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_page


class Filling(StrEnum):
    """How triggers show that they are pulled."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    NONE = "none"


def add(
    pictures: Annotated[
        list[Path],
        typer.Argument(
            metavar="PICTURE...",
            help="Of the controller on screen, or folders of some; each named after what it shows "
            "(neutral, south, left_trigger, j_left_x+, ...). The first is neutral if none is "
            "called so.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Of the template; else the neutral picture's.")
    ] = None,
    neutral: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="The one with nothing pressed.")
    ] = None,
    pressed: Annotated[
        list[str] | None,
        typer.Option(metavar="BUTTON=PICTURE", help="What a picture shows; repeatable."),
    ] = None,
    fill: Annotated[
        Filling | None, typer.Option(help="Which way triggers fill; none: they only light up.")
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Make a template of your own pictures: one neutral, and some with one thing pressed.

    All are of the same part of the screen, without what is behind the controller or with nothing
    moving there.  At a terminal it is asked what cannot be known.  One neutral picture is enough;
    what no picture shows is left to the learned way.
    """
    from nitropilot.dataset.templates.adding import preset_of
    from nitropilot.dataset.templates.library import check_free, store, user_folder
    from nitropilot.dataset.templates.pictures import png_of
    from nitropilot.dataset.templates.shots import sorted_pictures
    from nitropilot.dataset.templates.template import ALL_OUTPUTS, Fill

    folder = user_folder()
    given = sorted_pictures(
        [spelled(each) for each in pictures], neutral and spelled(neutral), pressed or ()
    )
    name = name or given.name
    check_free(folder, name)
    way = None if fill in (None, Filling.NONE) else Fill(str(fill))
    preset, atlas = preset_of(
        name, given.neutral, given.labelled, given.unknown, way, fill is Filling.NONE,
        ask if at_a_terminal() else None,
    )  # fmt: skip
    template = store(folder, name, preset, png_of(atlas))
    missing = sorted(ALL_OUTPUTS - template.outputs)
    if missing:
        print_note(f"{name}: left to the learned way: {', '.join(missing)}")
    if as_json:
        print_json({
            "template": name, "folder": str(folder / name), "outputs": sorted(template.outputs),
            "learned": missing, "elements": len(template.elements),
        })  # fmt: skip
    else:
        print_page(str(folder / name))
