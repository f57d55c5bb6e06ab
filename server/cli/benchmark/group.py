"""``nitropilot benchmark``: the group, its list, and what results say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.benchmark.install import install
from nitropilot.server.cli.benchmark.record import record
from nitropilot.server.cli.benchmark.run import run
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_json,
    print_page,
    print_table,
)
from nitropilot.server.cli.terminal.progress import progress_bar

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.runner.verifying import Verification

benchmark = typer.Typer(
    help="Play suites of tasks with policies, and compare them.", no_args_is_help=True
)
benchmark.command("run")(run)
benchmark.command("install")(install)
benchmark.command("record")(record)

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
def verify(
    folder: Folder,
    head: Annotated[
        str, typer.Option(help="The head that was published with it, if one was.")
    ] = "",
    episodes: Annotated[
        int | None,
        typer.Option(
            min=0, help="Play so many of them again; default: all. 0: look at files only."
        ),
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Look through a result and press its pads again.  Exit status 1 if anything is wrong."""
    from nitropilot.simulator.benchmark.runner.verifying import verify as of

    with progress_bar(reports=True) as bar:
        found = of(
            spelled(folder),
            head,
            episodes,
            lambda done, every: bar(f"{done} of {every} played again", done / every),
        )
    if as_json:
        print_json(
            {
                "holds": found.holds, "head": found.check.head, "records": found.check.records,
                "missing": len(found.check.missing), "problems": list(found.check.problems),
                "notes": list(found.check.notes), "played": found.played,
                "differing": list(found.differing), "left_out": found.left_out,
            }
        )  # fmt: skip
    else:
        print_page(_verdict(found))
    if not found.holds:
        raise typer.Exit(EXIT_FAILED)


def _verdict(found: Verification) -> str:
    """What was found, a line each, the worst first."""
    lines = [*found.check.problems, *found.differing]
    lines += [f"{count} not played again: {why}" for why, count in found.left_out.items()]
    lines += found.check.notes
    if found.check.missing:
        lines.append(f"{len(found.check.missing)} episodes have not been played yet")
    said = "nothing speaks against it" if found.holds else "THIS RESULT DOES NOT HOLD"
    if found.holds and not found.played:
        said = "its files are sound; that it was played so, nothing shows"
    lines.append(f"{found.check.records} records, {found.played} played again: {said}")
    return "\n".join([*lines, f"head {found.check.head}"])


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
