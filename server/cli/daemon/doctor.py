"""``nitropilot doctor``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from nitropilot.server.cli.terminal.output import EXIT_FAILED, JsonOption, console, print_json
from nitropilot.server.host.logs import error_console
from nitropilot.version import __version__


def doctor(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Check this machine and say what to do about each problem; exit 1 if one stops play.

    Where it can it tries: it writes files, and plays a little game in a window for some seconds.
    """
    from nitropilot.server.host.doctor import can_play, examine
    from nitropilot.server.host.findings import Level

    with error_console().status("starting") as status:
        findings = examine(lambda doing: status.update(doing))
    ready = can_play(findings)
    if as_json:
        checks = [finding.as_dict() for finding in findings]
        print_json({"version": __version__, "ready": ready, "checks": checks})
    else:
        screen = console()
        colours = {Level.OK: "green", Level.NOTE: "yellow", Level.PROBLEM: "red"}
        for finding in findings:
            mark = (f"{finding.level:<8}", colours[finding.level])
            screen.print(Text.assemble(mark, f"{finding.name}: {finding.detail}"))
            if finding.hint:
                screen.print(Text(f"        -> {finding.hint}"))
        screen.print("Ready to play." if ready else "Not ready: see the problems above.")
    if not ready:
        raise typer.Exit(EXIT_FAILED)
