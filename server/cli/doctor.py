"""``nitropilot doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from nitropilot import __version__
from server.cli.output import JsonOption, console, print_json


def doctor(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Check this machine and say what to do about each problem; exit 1 if one stops play."""
    from server.doctor import Level, can_play, examine

    findings = examine()
    ready = can_play(findings)
    if as_json:
        checks = [finding.as_dict() for finding in findings]
        print_json({"version": __version__, "ready": ready, "checks": checks})
    else:
        screen = console()
        marks = {Level.OK: "[green]ok     [/]", Level.NOTE: "[yellow]note   [/]",
                 Level.PROBLEM: "[red]problem[/]"}  # fmt: skip
        for finding in findings:
            screen.print(
                f"{marks[finding.level]} {finding.name}: {finding.detail}", highlight=False
            )
            if finding.hint:
                screen.print(f"        -> {finding.hint}", highlight=False)
        screen.print("Ready to play." if ready else "Not ready: see the problems above.")
    if not ready:
        raise typer.Exit(1)
