"""``nitropilot dataset make``: sets of our own, from seeds."""

from __future__ import annotations

import json
import math
import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note
from nitropilot.server.cli.terminal.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.dataset.made.folder import MadeFolder
    from nitropilot.dataset.made.make import Wanted
    from nitropilot.dataset.templates.template import Template

make = typer.Typer(help="Make data sets of our own.", no_args_is_help=True)
LICENCE = "mit"


class Layouts(StrEnum):
    """What is written."""

    NITROGEN = "nitrogen"
    LEROBOT = "lerobot"
    BOTH = "both"


@make.callback()
def _group() -> None:
    """Make data sets of our own."""


@make.command()
def arcade(
    out: Annotated[Path, typer.Option(help="The data set; one that is there is gone on with.")],
    hours: Annotated[float, typer.Option(help="Of video; whole levels, as much of each game.")],
    games: Annotated[
        list[str] | None, typer.Option(help="runner, road-2, ...; else all five. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    layouts: Annotated[
        Layouts, typer.Option("--format", help="NitroGen's layout, LeRobotDataset v3.0, or both.")
    ] = Layouts.BOTH,
    skins: Annotated[
        list[str] | None,
        typer.Option(help="Templates that are drawn; else all that come along. Repeatable."),
    ] = None,
    hz: Annotated[int, typer.Option(help="Frames and rows a second: 30 or 60.")] = 60,
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels.")] = 512,
    noise: Annotated[
        float, typer.Option(help="Share of the levels in which others have the pad now and then.")
    ] = 0.5,
    licence: Annotated[str, typer.Option(help="Of the set, as the hub names it.")] = LICENCE,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Make a set of the arcade: its scripts play, a controller is drawn over it, all is labelled.

    The same options make the same set.  The same command goes on where it was stopped; with more
    hours it adds to what is there.
    """
    from nitropilot.dataset.errors import NotExtracted
    from nitropilot.dataset.made.folder import OURS, MadeFolder
    from nitropilot.dataset.made.make import Wanted
    from nitropilot.dataset.made.make import make as make_levels
    from nitropilot.server.cli.dataset.arcade import arcade_plays, facts_of

    chosen, templates = _games(games), _templates(skins)
    wanted = Wanted(chosen, tuple(each.name for each in templates), seed, hz, size, noise)
    wanted.check()
    if not 0 < hours < math.inf:
        raise NotExtracted(f"--hours is {hours:g}", "give hours above 0")
    if not licence.strip():
        raise NotExtracted("--licence is empty", f"name one, such as {LICENCE}")
    folder = spelled(out)
    kept = {Layouts.NITROGEN: folder, Layouts.BOTH: folder / "nitrogen"}
    made = MadeFolder(folder, kept.get(layouts, folder / OURS / "nitrogen"))
    options = {**wanted.plain(), "layouts": str(layouts), "licence": licence}
    with made.opened(options), progress_bar() as tell:
        facts = {game: facts_of(game, licence) for game in chosen}
        plays = arcade_plays(seed, noise, size)
        make_levels(made, wanted, hours, plays, templates, facts, tell)
        if layouts is not Layouts.NITROGEN:
            tell("writing the LeRobot data set", 1.0)
            _write_lerobot(made, folder / "lerobot" if layouts is Layouts.BOTH else folder)
        _write_cards(made, wanted, layouts, licence, hours)
    said = _facts(made, layouts, wanted)
    if as_json:
        print_json(said)
    else:
        print_note(
            f"{said['videos']} videos with {said['hours']:.2f} hours in {folder}; "
            f"levels lost and left out: {said['lost']}"
        )


def _games(names: Iterable[str] | None) -> tuple[str, ...]:
    """Games and tasks, each once.

    Raises:
        NoDemonstration: There is none of such a name.
    """
    from nitropilot.simulator.arcade.rules import RULES
    from nitropilot.simulator.demonstrations.recording import tasks_of

    chosen = tuple(dict.fromkeys(part for name in names or RULES for part in name.split(",")))
    for game in chosen:
        tasks_of(game)
    return chosen


def _templates(names: Iterable[str] | None) -> list[Template]:
    """Skins, each once.

    Raises:
        BadTemplate: There is none of such a name.
    """
    from nitropilot.dataset.templates.library import library, shipped

    if names is None:
        return list(shipped())
    known = library()
    return [known.get(part) for part in dict.fromkeys(p for n in names for p in n.split(","))]


def _write_lerobot(made: MadeFolder, final: Path) -> None:
    """The set once more as a LeRobotDataset, unless it is there with all levels.

    ``meta/`` is moved last: a folder without it is no data set.
    """
    from nitropilot.records.writer import write_json
    from nitropilot.training.formats.finding import find_takes, open_take
    from nitropilot.training.formats.lerobot_writing import LeRobotWriter

    told, part = made.own / "lerobot.json", made.own / "lerobot.part"
    if told.is_file() and json.loads(told.read_text("utf-8")) == {"levels": len(made.levels)}:
        return
    told.unlink(missing_ok=True)
    shutil.rmtree(part, ignore_errors=True)
    writer = LeRobotWriter(part)
    for name in find_takes([made.place]):
        writer.add(open_take(name))
    writer.finish()
    final.mkdir(exist_ok=True)
    for kind in ("meta", "data", "videos"):
        shutil.rmtree(final / kind, ignore_errors=True)
    for kind in ("data", "videos", "meta"):
        (part / kind).rename(final / kind)
    part.rmdir()
    write_json(told, {"levels": len(made.levels)})


def _write_cards(
    made: MadeFolder, wanted: Wanted, layouts: Layouts, licence: str, hours: float
) -> None:
    """One for the whole, and one for each layout that has a folder of its own."""
    from nitropilot.dataset.made.card import write_card
    from nitropilot.server.cli.dataset.arcade import CREATOR

    command = (
        f"nitropilot dataset make arcade --out DIR --hours {hours:g} --seed {wanted.seed} "
        f"--format {layouts} --hz {wanted.hz} --size {wanted.size} --noise {wanted.noisy:g}"
    )
    command += "".join(f" --games {game}" for game in wanted.games)
    command += "".join(f" --skins {skin}" for skin in wanted.skins)
    facts = {"licence": licence, "creator": CREATOR, "command": command}
    names = ["nitrogen", "lerobot"] if layouts is Layouts.BOTH else [str(layouts)]
    places = {name: name if layouts is Layouts.BOTH else "." for name in names}
    write_card(made.out, wanted, made.levels, places, facts)
    for name, place in places.items():
        if place != ".":
            write_card(made.out / place, wanted, made.levels, {name: "."}, facts)


def _facts(made: MadeFolder, layouts: Layouts, wanted: Wanted) -> dict[str, Any]:
    kept = [level for level in made.levels if level.video_id]
    return {
        "folder": str(made.out), "format": str(layouts), "videos": len(kept),
        "hours": made.rows() / wanted.hz / 3600, "lost": len(made.levels) - len(kept),
        "foreign": sum(level.foreign for level in kept),
        "games": {game: sum(each.game == game for each in kept) for game in wanted.games},
    }  # fmt: skip
