"""The ``nitropilot`` command.

Exit status: 0 when it did what was asked, 1 when ``doctor`` found something that stops play, a
session failed or did not write all that it was to, or nobody is left who reads the result, 2 for
an error the user can mend, named in one line, 130 when Ctrl-C came before there was anything to
end in good order.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nitropilot.capture.errors import AmbiguousWindow
from nitropilot.children import CODE_LISTS, leave_out_current_folder
from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.benchmark.group import benchmark
from nitropilot.server.cli.daemon.doctor import doctor
from nitropilot.server.cli.daemon.serve import serve, token
from nitropilot.server.cli.daemon.serve_options import ServeOptions
from nitropilot.server.cli.daemon.service import service
from nitropilot.server.cli.daemon.settings import settings
from nitropilot.server.cli.daemon.status import status
from nitropilot.server.cli.daemon.tokens import tokens, url
from nitropilot.server.cli.dataset.group import dataset
from nitropilot.server.cli.engine.engines import engines
from nitropilot.server.cli.engine.policies import policies
from nitropilot.server.cli.play.demo import demo
from nitropilot.server.cli.play.options import PlayOptions, RecordOptions
from nitropilot.server.cli.play.play import play
from nitropilot.server.cli.play.record import record
from nitropilot.server.cli.play.recordings import recordings
from nitropilot.server.cli.play.release import heal_first, release
from nitropilot.server.cli.play.replay import replay_session
from nitropilot.server.cli.play.windows import windows
from nitropilot.server.cli.terminal.options import from_model
from nitropilot.server.cli.terminal.output import (
    EXIT_ERROR,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    log_to_stderr,
    print_error,
    print_note,
)
from nitropilot.server.cli.training.commands import finetune, train
from nitropilot.server.cli.training.evaluate import evaluate
from nitropilot.server.cli.training.improve import ImproveOptions, improve
from nitropilot.server.cli.training.options import FinetuneOptions, TrainOptions
from nitropilot.server.host.streams import finish_stdout, guard_streams
from nitropilot.version import __version__

UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]
"""The base of all mistakes in options, from click or from typer's own copy of it."""

app = typer.Typer(
    name="nitropilot",
    help="Lets an AI play any PC game from its pixels through a virtual gamepad.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    from_model(play, PlayOptions), from_model(record, RecordOptions), demo, windows, release,
    from_model(train, TrainOptions), from_model(finetune, FinetuneOptions),
    evaluate, from_model(improve, ImproveOptions),
    doctor, from_model(serve, ServeOptions), status, token, url,
):  # fmt: skip
    app.command()(command)
app.command("replay")(replay_session)
app.add_typer(policies, name="policies")
app.add_typer(tokens, name="tokens")
app.add_typer(engines, name="engines")
app.add_typer(recordings, name="recordings")
app.add_typer(benchmark, name="benchmark")
app.add_typer(dataset, name="dataset")
app.add_typer(settings, name="settings")
app.add_typer(service, name="service")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Options of every command."""
    log_to_stderr(verbose)


def _require_folder() -> None:
    """Raise in a folder that was removed: libraries that look for it end the process."""
    try:
        Path.cwd()
    except OSError:
        raise NitroPilotError(
            "the current folder does not exist any more", "change to another one"
        ) from None


def _leave_current_folder() -> None:
    """Whatever is started from here on takes no code from it; nothing runs beside us yet."""
    safe = leave_out_current_folder(os.environ)
    for name in CODE_LISTS:
        if name not in safe:
            os.environ.pop(name, None)
        elif safe[name] != os.environ[name]:
            os.environ[name] = safe[name]


def main() -> None:
    """Run the command line and exit."""
    guard_streams()
    status = _run()
    try:
        finish_stdout()
    except BrokenPipeError:
        status = status or EXIT_FAILED
    except NitroPilotError as error:
        print_error(error.line())
        status = status or EXIT_ERROR
    sys.exit(status)


def _run() -> int | None:
    """Run the command line; its exit status."""
    status: int | None = EXIT_ERROR
    try:
        _require_folder()
        heal_first()
        _leave_current_folder()
        status = app(standalone_mode=False)
    except AmbiguousWindow as error:
        print_error(f"{len(error.candidates)} windows match; {error.hint}")
        for window in error.candidates:
            print_note(f"  {window.describe()}")
    except NitroPilotError as error:
        print_error(error.line())
    except UsageError as error:
        if message := error.format_message().rstrip("."):  # empty after printing the help
            print_error(f"{message}; see nitropilot --help")
    except (typer.Abort, KeyboardInterrupt):
        status = EXIT_INTERRUPTED
    if status == EXIT_INTERRUPTED:
        print_error("interrupted")
    return status


if __name__ == "__main__":
    main()
