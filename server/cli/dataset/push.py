"""``nitropilot dataset push``: a data set on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.cli.terminal.pushed import PublicOption, pushed_line


def push(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The data set, with README.md.")],
    repo: Annotated[str, typer.Argument(metavar="REPO", help="namespace/name on the hub.")],
    public: Annotated[bool, PublicOption] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Publish a data set and its card; what was cut off goes on where it was.

    Without a card that names a licence nothing is pushed.  Links are left out: videos of an
    extracted set belong to others.
    """
    from nitropilot.server.errors import PushFailed
    from nitropilot.server.jobs.pushing import DATA_SET, push_folder

    place = spelled(folder)
    if not place.is_dir():
        raise PushFailed(f"there is no folder {place}", "name a data set")
    with progress_bar() as tell:
        done = push_folder(place, repo, DATA_SET, not public, tell)
    if as_json:
        print_json(vars(done))
    else:
        print_note(pushed_line(done))
