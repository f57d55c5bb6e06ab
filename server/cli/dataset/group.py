"""``nitropilot dataset``: the group."""

from __future__ import annotations

import typer

from nitropilot.server.cli.dataset.check import check
from nitropilot.server.cli.dataset.export import export
from nitropilot.server.cli.dataset.shift import shift
from nitropilot.server.cli.dataset.template import template

dataset = typer.Typer(
    help="Look at training data before it is trained on, and take it elsewhere.",
    no_args_is_help=True,
)
dataset.command("check")(check)
dataset.command("shift")(shift)
dataset.command("export")(export)
dataset.add_typer(template, name="template")
