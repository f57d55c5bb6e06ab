"""What the commands of ``nitropilot dataset`` share: the takes of folders, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.places import spelled
from nitropilot.records.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nitropilot.training.formats.take import Take

Folders = Annotated[
    list[Path], typer.Argument(metavar="DIR...", help="A recording, or what holds some.")
]


def takes(folders: Iterable[Path]) -> Iterator[tuple[Path, Take | RecordsError]]:
    """Every take with its name, or what is wrong with it.

    Raises:
        BadData: A folder is not there, or holds none.
    """
    from nitropilot.training.formats.finding import find_takes, open_take

    for name in find_takes(map(spelled, folders)):
        try:
            yield name, open_take(name)
        except RecordsError as error:
            yield name, error
