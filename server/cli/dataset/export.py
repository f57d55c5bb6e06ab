"""``nitropilot dataset export``: recordings in the layout of other programs."""

from __future__ import annotations

import shutil
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.places import spelled
from nitropilot.records.errors import RecordsError
from nitropilot.server.cli.dataset.opening import takes
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_json,
    print_note,
)

if TYPE_CHECKING:
    from nitropilot.training.formats.take import Take


class Layout(StrEnum):
    """What can be written."""

    LEROBOT = "lerobot"


def export(
    data: Annotated[list[Path], typer.Option(help="A recording, or what holds some; repeatable.")],
    out: Annotated[Path, typer.Option(help="The folder of the data set; must not be there.")],
    to: Annotated[Layout, typer.Option(help="The layout.")] = Layout.LEROBOT,
    action_shift: Annotated[
        int,
        typer.Option(min=0, max=1000, help="Ticks from a picture's to those of its action."),
    ] = 1,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Write recordings as a LeRobotDataset v3.0; each stretch of play is an episode.

    Pictures are copied, and not encoded anew; but a controller on screen is blackened.  What cannot
    be read is left out and named; then the exit status is 1.
    """
    from nitropilot.training.errors import NotWritten
    from nitropilot.training.formats.lerobot_writing import LeRobotWriter

    folder = spelled(out)
    left_out: dict[str, str] = {}
    part = folder.with_name(f"{folder.name}.part")
    if folder.exists():
        raise NotWritten(f"{folder} is there already", "name a folder that is not")
    writer = LeRobotWriter(part, action_shift)  # what is there already is not ours to remove
    try:
        for name, take in takes(data):
            try:
                writer.add(_readable(take))
            except RecordsError as error:
                left_out[str(name)] = error.line()
                print_error(f"{name} is left out: {error.line()}")
        counts = writer.finish()
        part.rename(folder)
    except OSError as error:
        raise NotWritten(f"cannot write {part}: {error.strerror or error}", "make room") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(part)
    if as_json:
        print_json({"folder": str(folder), "layout": str(to), **counts, "left_out": left_out})
    else:
        print_note(
            f"{counts['total_episodes']} episodes with {counts['total_frames']} frames in {folder}"
        )
    if left_out:
        raise typer.Exit(EXIT_FAILED)


def _readable(take: Take | RecordsError) -> Take:
    if isinstance(take, RecordsError):
        raise take
    return take
