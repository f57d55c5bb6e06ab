"""``nitropilot windows``."""

from __future__ import annotations

from typing import Annotated

import typer

from nitropilot import capture
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_table
from nitropilot.server.schemas.views import window_model


def windows(
    display: Annotated[str | None, typer.Option(help="X display, such as :1.")] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """List windows that could be games."""
    found = capture.list_windows(display)
    if as_json:
        print_json({"windows": [window_model(window).model_dump() for window in found]})
        return
    rows = [
        (
            f"{w.handle:#x}",
            w.pid or "?",
            w.executable or "?",
            f"{w.rect.width} x {w.rect.height}" + (" minimised" if w.minimised else ""),
            w.title,
        )
        for w in found
    ]
    print_table(f"{len(found)} windows", ("window", "pid", "process", "size", "title"), rows)
