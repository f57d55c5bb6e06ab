"""What commands that publish something share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from nitropilot.server.jobs.pushing import Pushed

PublicOption = typer.Option(
    "--public/--private", help="Whether all may see it, or only you, where it is not there yet."
)


def pushed_line(done: Pushed) -> str:
    """What is on the hub now, for people."""
    seen = "only you see it" if done.private else "open to all"
    left = f"; {done.links} links were left out" if done.links else ""
    return f"{done.files} files are on {done.url} ({seen}, commit {done.commit[:12]}){left}"
