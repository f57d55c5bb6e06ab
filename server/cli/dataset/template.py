"""``nitropilot dataset template``: the controllers on screen that can be read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.dataset.templates.codes import Codes
from nitropilot.places import NoPlace, spelled
from nitropilot.server.cli.dataset.template_add import add
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_json,
    print_note,
    print_page,
    print_table,
)

if TYPE_CHECKING:
    from nitropilot.dataset.templates.library import Library
    from nitropilot.dataset.templates.template import Template

template = typer.Typer(
    help="Controllers on screen: how they look, so that they can be read.", no_args_is_help=True
)
template.command("add")(add)


@template.command("import")
def import_template(
    preset: Annotated[
        Path, typer.Argument(metavar="PRESET.json", help="Of the OBS plugin input-overlay.")
    ],
    atlas: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PNG",
            help="Its picture; repeatable. Without it every PNG of its folder is a skin of it.",
        ),
    ] = None,
    codes: Annotated[
        Codes | None,
        typer.Option(
            help="What its numbers of A, B, X, Y mean: SDL's positions, or what is written on "
            "them. Without it label for presets of Switch pads, else position."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the template; else its picture's.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take it although it lacks face buttons or sticks.")
    ] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Keep a preset's controllers in your library; none that is there is overwritten.

    Pictures beside it that do not fit the preset are left out and named; then the exit status is 1.
    """
    from nitropilot.dataset.templates.importing import import_preset
    from nitropilot.dataset.templates.library import user_folder
    from nitropilot.dataset.templates.preset import notes

    folder = user_folder()
    atlases = [spelled(each) for each in atlas or ()]
    found = import_preset(spelled(preset), folder, atlases, codes, name, partial or None)
    for each in found.templates:
        for note in notes(each):
            print_note(f"{each.name}: {note}")
    for picture, why in found.left_out.items():
        print_error(f"{picture} is left out: {why}")
    if as_json:
        print_json({
            "folder": str(folder), "templates": [facts_of(each) for each in found.templates],
            "left_out": found.left_out,
        })  # fmt: skip
    else:
        print_page("\n".join(str(folder / each.name) for each in found.templates))
    if found.left_out:
        raise typer.Exit(EXIT_FAILED)


@template.command("list")
def list_templates(as_json: Annotated[bool, JsonOption] = False) -> None:
    """List what comes along and what is yours; what cannot be read is named."""
    from nitropilot.dataset.templates.library import user_folder

    try:
        folder = user_folder()
    except NoPlace:
        folder = None
    known = _library()
    found = [{**facts_of(each), "from": _from(known, each.name)} for each in known.templates]
    if as_json:
        print_json({"folder": folder, "templates": found, "broken": known.broken})
        return
    columns = ("template", "from", "pad", "style", "canvas", "codes", "does not show")
    rows = [
        (each["name"], each["from"], each["family"], each["style"],
         f"{each['width']} x {each['height']}", each["codes"], ", ".join(each["missing"]))
        for each in found
    ]  # fmt: skip
    print_table(f"Templates ({folder or 'no folder of your own'})", columns, rows)
    for name, why in known.broken.items():
        print_error(f"{name} cannot be used: {why}")


@template.command()
def show(
    name: Annotated[str, typer.Argument(help="Of the template.")],
    out: Annotated[Path, typer.Option(metavar="PNG", help="The picture; must not be there.")],
) -> None:
    """Draw a template in all states that it can show, to see whether it was understood."""
    from nitropilot.dataset.drawing.sheet import sheet
    from nitropilot.dataset.errors import NotExtracted
    from nitropilot.dataset.templates.pictures import png_of

    path = spelled(out)
    page = png_of(sheet(_library().get(name)))
    try:
        with path.open("xb") as file:
            file.write(page)
    except FileExistsError:
        raise NotExtracted(f"{path} is there already", "name a file that is not") from None
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise NotExtracted(f"cannot write {path}: {error.strerror}", "make room") from None
    print_page(str(path))


@template.command()
def remove(name: Annotated[str, typer.Argument(help="Of the template.")]) -> None:
    """Remove one of your own templates."""
    from nitropilot.dataset.templates import library

    library.remove(library.user_folder(), name)
    print_note(f"{name} is removed")


def facts_of(one: Template) -> dict[str, Any]:
    """What is told of a template."""
    from nitropilot.dataset.templates.template import ALL_OUTPUTS

    return {
        "name": one.name, "family": one.family, "style": one.facts.get("style", ""),
        "width": one.width, "height": one.height, "codes": one.facts.get("codes", ""),
        "outputs": sorted(one.outputs), "missing": sorted(ALL_OUTPUTS - one.outputs),
    }  # fmt: skip


def _library() -> Library:
    from nitropilot.dataset.templates.library import library

    return library()


def _from(known: Library, name: str) -> str:
    from nitropilot.dataset.templates.library import SHIPPED

    place = known.place(name)
    return "NitroPilot" if place is not None and place.parent == SHIPPED else "you"
