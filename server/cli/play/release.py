"""``nitropilot release``: let go of what an earlier NitroPilot that died has left."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nitropilot.controller.ledger.heal import heal_all, living
from nitropilot.controller.ledger.places import open_to_others
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note

_done: list[str] = []


def heal_first() -> None:
    """What every command does first; ``release`` says it in its own way."""
    _done.extend(heal_all())
    if sys.argv[1:2] != ["release"]:
        for line in _done:
            print_note(f"after an earlier NitroPilot that died: {line}")


def release(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Let games run, and end and remove what was made for them, after a NitroPilot that died.

    Every command does that when it starts; this one says what was done, and does nothing else.
    A game that a living NitroPilot plays is named and left alone.
    """
    held = living()
    for folder in open_to_others():
        print_note(
            f"not looked at: {folder}, for others may write there; what lies in it is believed "
            f"after: chmod 700 {folder}"
        )
    if as_json:
        print_json({"released": _done, "held": held})
        return
    for line in _done or ["nothing was left behind"]:
        typer.echo(line)
    for line in held:
        print_note(f"left alone: {line}")
