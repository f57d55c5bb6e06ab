"""``nitropilot train`` and ``nitropilot finetune``."""

from __future__ import annotations

import shutil
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import console, print_json, print_note
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.cli.training.memory import say_memory
from nitropilot.server.host.signals import ending_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.server.cli.training.options import Common
    from nitropilot.training.processes.ranks import Ranks
    from nitropilot.training.trainer.config import TrainConfig
    from nitropilot.training.trainer.outcome import Outcome
    from nitropilot.training.trainer.run import Judge

SAFETENSORS = ".safetensors"
RUN = ".run"
"""What the folder of a fine-tuning run ends in."""


def train(options: Common) -> None:
    """Train a policy on recordings, or go on with a run.

    Every option may stand in the file of --config instead.  Ctrl-C writes a checkpoint; the same
    command goes on from there.
    """
    from nitropilot.training.processes.joining import joined
    from nitropilot.training.trainer.config import read_config
    from nitropilot.training.trainer.files import NEWEST

    if options.dry_run:
        say_memory(options, {})
        return
    config = read_config(_path(options.config), options.given())
    folder = _out(options)
    with joined() as ranks:
        outcome = _run(config, folder, ranks)
        if ranks.first:
            _report(outcome, folder, folder / NEWEST, options.as_json)


def finetune(options: Common) -> None:
    """Train a policy that plays already on recordings of one more game.

    As train, with other defaults; --out is the file of the new policy.
    """
    from nitropilot.policy.naming import parse_random
    from nitropilot.training.errors import BadSettings
    from nitropilot.training.processes.joining import joined
    from nitropilot.training.trainer.config import FINETUNE, read_config
    from nitropilot.training.trainer.files import NEWEST, written
    from nitropilot.training.trainer.preparing import FRAMES

    if options.dry_run:
        say_memory(options, FINETUNE)
        return
    config = read_config(_path(options.config), options.given(), FINETUNE)
    if parse_random(config.run.policy):
        raise BadSettings(
            f"{config.run.policy} has random weights: there is nothing to tune",
            "use `nitropilot train`",
        )
    out = _out(options)
    if out.suffix != SAFETENSORS:
        raise BadSettings(f"{out} would hold safetensors data", f"end its name in {SAFETENSORS}")
    folder = out.with_name(out.stem + RUN)
    with joined() as ranks:
        outcome = _run(config, folder, ranks)
        if not ranks.first:
            return
        with written(out) as part:
            shutil.copyfile(folder / NEWEST, part)
        if outcome.ended == "done":
            shutil.rmtree(folder / FRAMES, ignore_errors=True)
        _report(outcome, folder, out, options.as_json)


def _out(options: Common) -> Path:
    from nitropilot.training.errors import BadSettings

    if not options.out:
        raise BadSettings("no place is named to write to", "name one with --out")
    return spelled(options.out)


def _path(text: str | None) -> Path | None:
    return None if text is None else spelled(text)


def _run(config: TrainConfig, folder: Path, ranks: Ranks) -> Outcome:
    from nitropilot.training.reports.run_report import write_report
    from nitropilot.training.trainer.running import lowest_loss
    from nitropilot.training.trainer.running import train as run

    judge: Judge = lowest_loss
    if config.choice.play and ranks.first:
        from nitropilot.server.cli.training.playing import PlayJudge

        judge = PlayJudge(config.choice)
    with _interrupts(ranks) as interrupts:
        if not ranks.first:
            return run(config, folder, stopping=interrupts.stopping, judge=judge, ranks=ranks)
        with progress_bar() as bar:
            bar("loading", 0.0)
            return run(
                config, folder, lambda told: bar(told.text, told.done), interrupts.stopping, judge,
                write_report, ranks,
            )  # fmt: skip


class Interrupts:
    """A signal ends a run that has begun after its step, and anything else at once.

    Args:
        several: Other processes train with this one: who started them passes on to each what
            each has heard already, so that a second signal is the same one.
    """

    def __init__(self, several: bool = False) -> None:
        self._several = several
        self._begun = False
        self._asked = False

    def stopping(self) -> bool:
        """Whether a signal came; asked by a run that has begun."""
        self._begun = True
        return self._asked

    def __call__(self, _number: int, _frame: Any) -> None:
        """A signal came; a second one waits for no step."""
        if not self._begun or (self._asked and not self._several):
            raise KeyboardInterrupt
        self._asked = True


@contextmanager
def _interrupts(ranks: Ranks) -> Iterator[Interrupts]:
    interrupts = Interrupts(ranks.count > 1)
    before = {number: signal.signal(number, interrupts) for number in ending_signals()}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(outcome: Outcome, folder: Path, policy: Path, as_json: bool) -> None:
    """Say what became of a run."""
    if as_json:
        places = {"policy": str(policy), "run": str(folder), "adapters": _adapters(folder)}
        print_json({**places, **outcome.facts()})
    else:
        _print(outcome, folder, policy)
    if outcome.ended == "interrupted":
        print_note(f"interrupted after step {outcome.step}: the same command goes on from there")


def _print(outcome: Outcome, folder: Path, policy: Path) -> None:
    from nitropilot.training.reports.run_report import REPORT

    screen = console()
    loss = "" if outcome.loss is None else f", loss {outcome.loss:.4f}"
    screen.print(
        f"{outcome.step} steps in {outcome.seconds / 60:.1f} min over {outcome.samples[0]} "
        f"samples{loss}",
        markup=False,
    )
    if (scores := outcome.scores) is not None:
        said = [f"loss {scores.loss:.4f}"]
        said += [f"F1 of buttons {scores.mean_f1:.2f}"] if scores.mean_f1 is not None else []
        said += [f"R2 of sticks {scores.mean_r2:.2f}"] if scores.mean_r2 is not None else []
        screen.print(f"held out ({scores.samples} samples): {', '.join(said)}", markup=False)
    if outcome.verdict is not None and outcome.verdict.text:
        screen.print(f"at the end it {outcome.verdict.text}", markup=False)
    if outcome.skipped:
        screen.print(f"left out: {len(outcome.skipped)} recordings, see the log", markup=False)
    screen.print(f"the policy: {policy}", markup=False)
    if adapters := _adapters(folder):
        screen.print(f"its adapters: {adapters}", markup=False)
    screen.print(f"the report: {folder / REPORT}", markup=False)


def _adapters(folder: Path) -> str | None:
    """The file of a run's adapters; None where it trained whole weights."""
    from nitropilot.training.trainer.files import ADAPTERS

    place = folder / ADAPTERS
    return str(place) if place.is_file() else None
