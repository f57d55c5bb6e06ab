"""``nitropilot service``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note
from nitropilot.server.host.service import install, remove, task_text, this_command, unit_text

if TYPE_CHECKING:
    from nitropilot.server.host.service import Service

service = typer.Typer(
    help="Start the daemon with your desktop: a systemd user unit, or a task of Windows.",
    no_args_is_help=True,
)


@service.command("install")
def install_service(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Have the daemon begin with your next session on the desktop."""
    _say(install(), as_json, "the daemon begins with your next session")


@service.command("remove")
def remove_service(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Have it begin no more; one that runs goes on."""
    _say(remove(), as_json, "the daemon begins with no session any more")


@service.command("print")
def print_service() -> None:
    """Print the unit or task that install would make."""
    make = task_text if sys.platform == "win32" else unit_text
    typer.echo(make(this_command()), nl=False)


def _say(found: Service, as_json: bool, done: str) -> None:
    if as_json:
        print_json({"path": found.path, "enabled": found.enabled, "note": found.note})
        return
    print_note(found.note or done)
