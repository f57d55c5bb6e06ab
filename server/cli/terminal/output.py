"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nitropilot.server.host.logs import ConsoleHandler
from nitropilot.server.host.streams import settle_stderr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EXIT_FAILED = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

WIDEST = 10_000
"""Of a table that a program or a file reads, in columns: none of its lines is folded."""
JsonOption = typer.Option("--json", help="Print one JSON object on stdout.")


def console() -> Console:
    """A console on stdout; what was said before is on stderr by then."""
    settle_stderr()
    return Console(soft_wrap=True, highlight=False)


def printable(value: object) -> str:
    """Text that may come from another program, without what would steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def print_json(value: Any) -> None:
    """Print one JSON object on stdout."""
    settle_stderr()
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def print_page(text: str) -> None:
    """Print a page of plain text on stdout."""
    settle_stderr()
    for line in text.splitlines():
        sys.stdout.write(printable(line) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout; folded to fit a terminal, and for no other reader."""
    table = Table(
        title=Text(printable(title)), title_justify="left", show_edge=False, pad_edge=False
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    screen = console()
    if not screen.is_terminal:
        screen.width = WIDEST
    screen.print(table)


def print_error(line: str) -> None:
    """Print one line on stderr, as it is: whoever pipes it should get exactly one."""
    print_note(f"nitropilot: {' '.join(line.split())}")


def print_note(line: str) -> None:
    """Print one line on stderr that belongs to an error."""
    sys.stderr.write(printable(line) + "\n")


def log_to_stderr(verbose: bool) -> None:
    """Send the log to stderr: warnings of everybody, and our own progress with ``--verbose``."""
    layout = "%(asctime)s %(levelname)s %(name)s: %(message)s" if verbose else "%(message)s"
    logging.basicConfig(level=logging.WARNING, format=layout, handlers=[ConsoleHandler()])
    if verbose:
        for room in ("nitropilot", "controller"):
            logging.getLogger(room).setLevel(logging.DEBUG)
