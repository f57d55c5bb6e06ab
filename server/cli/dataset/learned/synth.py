"""``nitropilot dataset synth``: made-up clips of made-up controllers, with exact labels."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note
from nitropilot.server.cli.terminal.progress import progress_bar


def synth(
    out: Annotated[Path, typer.Option(help="The folder; must not be there.")],
    samples: Annotated[
        int, typer.Option(min=1, help="How many are wanted at least; whole clips are written.")
    ] = 2000,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides all: the same seed gives the same clips.")
    ] = 0,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Write what learned readers train on, to look at it or to train elsewhere.

    Training here needs none of it: it makes the same samples as it goes.  The rate that is told is
    that of these, on one core.
    """
    from nitropilot.dataset.errors import NotExtracted
    from nitropilot.dataset.styles.folder import write_folder

    folder = spelled(out)
    part = folder.with_name(f"{folder.name}.part")
    for each in (folder, part):
        if each.exists():  # not ours to remove
            raise NotExtracted(f"{each} is there already", "name a folder that is not")
    try:
        with progress_bar() as tell:
            written = write_folder(part, samples, seed, tell)
        part.rename(folder)
    except OSError as error:
        raise NotExtracted(
            f"cannot write {part}: {error.strerror or error}", "make room"
        ) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(part)
    if as_json:
        print_json({"folder": str(folder), "seed": seed, **asdict(written)})
        return
    print_note(
        f"{written.clips} clips of {written.looks} controllers with {written.samples} samples in "
        f"{folder}; see {folder / 'sheet.png'}"
    )
    print_note(f"the stream gives {written.rate:.0f} samples a second on one core")
