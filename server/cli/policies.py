"""``nitropilot policies``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.output import JsonOption, print_json, print_table

policies = typer.Typer(help="Look at policies.", no_args_is_help=True)


@policies.callback()
def _group() -> None:
    """Look at policies."""


@policies.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pt, .safetensors or a folder.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show a checkpoint's sizes, parameter count, horizon and games."""
    from policy import describe

    facts = describe(file).model_dump(mode="json")
    if as_json:
        print_json(facts)
    else:
        print_table(str(file), ("what", "value"), list(facts.items()))
