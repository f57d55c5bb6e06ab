"""A progress bar for long work: on a terminal it moves, elsewhere each new step is one line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from nitropilot.server.host.logs import error_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress_bar(*, reports: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Yields what to tell: what is being done, and how much of all is done, from 0 to 1.

    Args:
        reports: Whether it is told what is over, and not what is being done: lines end as they are.
    """
    screen = error_console()
    if not screen.is_terminal:
        last = ""

        def tell(what: str, done: float) -> None:
            nonlocal last
            if what != last:
                screen.print(Text(what if reports or done >= 1 else f"{what} ...", "dim"))
            last = what

        yield tell
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, done: bar.update(task, description=what, completed=done)
