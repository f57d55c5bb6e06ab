"""``nitropilot dataset``: the group."""

from __future__ import annotations

import typer

from nitropilot.server.cli.dataset.bench import bench
from nitropilot.server.cli.dataset.check import check
from nitropilot.server.cli.dataset.export import export
from nitropilot.server.cli.dataset.extract import extract
from nitropilot.server.cli.dataset.make import make
from nitropilot.server.cli.dataset.push import push
from nitropilot.server.cli.dataset.shift import shift
from nitropilot.server.cli.dataset.template import template

dataset = typer.Typer(
    help="Make training data out of videos, look at it before it is trained on, take it elsewhere.",
    no_args_is_help=True,
)
dataset.command("bench")(bench)
dataset.command("check")(check)
dataset.command("shift")(shift)
dataset.command("export")(export)
dataset.command("extract")(extract)
dataset.command("push")(push)
dataset.add_typer(make, name="make")
dataset.add_typer(template, name="template")
