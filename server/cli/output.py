"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EXIT_ERROR = 2

JsonOption = typer.Option("--json", help="Print one JSON object on stdout.")


def console(stderr: bool = False) -> Console:
    """A console on stdout, or on stderr."""
    return Console(stderr=stderr, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one JSON object (or list) on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout."""
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console().print(table)


def print_error(line: str) -> None:
    """Print one line on stderr, as it is: whoever pipes it should get exactly one."""
    sys.stderr.write(f"nitropilot: {' '.join(line.split())}\n")


def log_to_stderr(verbose: bool) -> None:
    """Send the log to stderr: warnings of everybody, and our own progress with ``--verbose``."""
    handler = RichHandler(console=console(stderr=True), show_path=False, show_time=verbose)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("nitropilot").setLevel(logging.DEBUG if verbose else logging.WARNING)
