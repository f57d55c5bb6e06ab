"""``nitropilot benchmark``: the group, its list, and what results say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.benchmark.run import run
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_page, print_table

benchmark = typer.Typer(
    help="Play suites of tasks with policies, and compare them.", no_args_is_help=True
)
benchmark.command("run")(run)

Folder = Annotated[Path, typer.Argument(help="A result's folder.")]


@benchmark.command("list")
def list_tasks(as_json: Annotated[bool, JsonOption] = False) -> None:
    """List the tasks of all suites."""
    from nitropilot.simulator.benchmark.runner.suites import all_tasks

    tasks = all_tasks()
    if as_json:
        print_json({"tasks": [task.listed() for task in tasks]})
        return
    rows = [
        (task.suite, task.game, task.task, task.category, f"{task.seconds:g} s", task.goal)
        for task in tasks
    ]
    print_table("Tasks", ("suite", "game", "task", "category", "limit", "goal"), rows)


@benchmark.command()
def report(folder: Folder, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Show what a result says: success and progress, each with its interval and N."""
    from nitropilot.simulator.benchmark.reports.report import report as of

    found = of(spelled(folder))
    if as_json:
        print_json(found.as_json())
    else:
        print_page(found.text())


@benchmark.command()
def compare(
    one: Folder,
    other: Annotated[Path, typer.Argument(help="Another's, or the same.")],
    policy: Annotated[
        list[str] | None,
        typer.Option(help="Which policy of each; needed where a result has several. Twice."),
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Compare two policies on the seeds that both have played."""
    from nitropilot.simulator.benchmark.reports.comparison import compare as of

    names = [*(policy or []), "", ""]
    if len(names) == 3:
        names[1] = names[0]
    if len(names) > 4:
        raise typer.BadParameter("name one or two", param_hint="--policy")
    found = of(spelled(one), spelled(other), names[0], names[1])
    if as_json:
        print_json(found.as_json())
    else:
        print_page(found.text())
