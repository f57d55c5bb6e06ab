"""``nitropilot benchmark install``."""

from __future__ import annotations

import shlex
import subprocess
from typing import Annotated

import typer

from nitropilot.server.cli.terminal.asking import at_a_terminal
from nitropilot.server.cli.terminal.output import EXIT_FAILED, print_note, print_page


def install(
    suite: Annotated[str, typer.Option(help="Whose games.")] = "free10",
    game: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Install the games of a suite with apt-get, after asking.

    Exit status 1 when it was not wanted, or a game is there in a version that nobody has tried.
    """
    from nitropilot.simulator.benchmark.runner.errors import CannotInstall
    from nitropilot.simulator.benchmark.runner.installing import (
        command,
        games_of,
        missing,
        untested,
    )

    games = games_of(suite, game or ())
    if wanted := missing(games):
        words = command(wanted)
        print_page(f"missing: {', '.join(one.title for one in wanted)}\n{shlex.join(words)}")
        if not yes:
            if not at_a_terminal():
                raise CannotInstall("nobody is there to be asked", "say --yes, or run it yourself")
            if not typer.confirm("Run this?"):
                print_note("nothing was installed")
                raise typer.Exit(EXIT_FAILED)
        status = subprocess.run(words).returncode
        if status or missing(wanted):
            raise CannotInstall(
                f"{', '.join(one.title for one in missing(wanted))} is still missing: apt-get "
                f"ended with status {status}",
                "its output says why; `apt-get update` helps where it knows no such package",
            )
    problems = untested(games)
    for problem in problems:
        print_note(problem)
    if problems:
        raise typer.Exit(EXIT_FAILED)
    print_page(f"all games of {suite} are there: {', '.join(one.title for one in games) or 'ours'}")
