"""Questions to whoever sits at the terminal; where nobody does, none is asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from nitropilot.server.cli.terminal.output import print_note, printable

if TYPE_CHECKING:
    from collections.abc import Sequence


def at_a_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str, answers: Sequence[str]) -> str:
    """One of the answers, or "" for none of them; asked on stderr until it is one."""
    while True:
        given: str = typer.prompt(
            f"{printable(question)} (Enter: nothing)", default="", show_default=False, err=True
        ).strip()
        if not given or given in answers:
            return given
        print_note(f"one of {', '.join(answers)}")
