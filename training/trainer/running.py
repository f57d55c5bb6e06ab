"""``train``: one run, from its first step or from where it was left, to its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from nitropilot.training.errors import BadSettings, TrainingError
from nitropilot.training.processes.ranks import ALONE
from nitropilot.training.trainer.files import make_folder
from nitropilot.training.trainer.outcome import Outcome, Told, Verdict
from nitropilot.training.trainer.preparing import prepare
from nitropilot.training.trainer.run import Run
from nitropilot.training.trainer.same import agreed, begun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.processes.ranks import Ranks
    from nitropilot.training.trainer.config import TrainConfig
    from nitropilot.training.trainer.run import Judge
    from nitropilot.training.trainer.scoring import Scores

    Report = Callable[[Run, Policy, Outcome], None]

log = logging.getLogger("nitropilot.training")


def lowest_loss(_policy: Policy, scores: Scores) -> Verdict:
    """The judge where nobody plays: a lower loss on what was held out is better."""
    return Verdict(-scores.loss)


def train(
    config: TrainConfig,
    folder: Path,
    tell: Callable[[Told], None] = lambda _told: None,
    stopping: Callable[[], bool] = lambda: False,
    judge: Judge = lowest_loss,
    report: Report = lambda _run, _policy, _outcome: None,
    ranks: Ranks = ALONE,
) -> Outcome:
    """Train, or go on with the run that ``folder`` holds.

    Args:
        config: What to do.
        folder: Where the files of the run are.
        tell: Is told how far it is.
        stopping: Whether to write a checkpoint and end; asked after each step.
        judge: Chooses the best checkpoint.
        report: Is shown the run and its policy at its end, in the first process.
        ranks: This process and the others of the run, of which the first one writes and judges.

    Raises:
        TrainingError: Something does not go together or went wrong; what was written stays.
        RecordsError: A recording cannot be read, where that is to stop.
        PolicyError: The policy to start from cannot be loaded.
    """
    if config.choice.play and judge is lowest_loss and ranks.first:
        raise BadSettings(
            "the best checkpoint is to be chosen by play, and no judge plays", "hand over one"
        )
    ranks.require_rows(config.run.batch_size)
    ranks.require_same("options", agreed(config))
    make_folder(folder)
    found: list[dict[str, Any] | None] = []
    ranks.by_first(lambda: found.append(begun(config, folder)))
    prepared = ranks.in_turn(
        lambda: prepare(
            config, folder,
            lambda done, of: tell(Told(0.0, f"decoding: {done} of {of} recordings")),
            ranks.local,
        )
    )  # fmt: skip
    state = ranks.of_first_tensors(found.pop() if found else None)
    run = Run(config, folder, prepared, judge, ranks)
    if state is not None:
        run.go_on(state)
    try:
        outcome = run.to_the_end(tell, stopping)
        _report(report, run, outcome)
        return outcome
    except TrainingError as error:
        error.hint = f"{error.hint}; {run.kept()}" if error.hint else run.kept()
        raise
    finally:
        run.close()


def _report(report: Report, run: Run, outcome: Outcome) -> None:
    """Show the run; where that fails, what was trained is there all the same."""
    policy = run.playing()  # put together by all of them
    if not run.ranks.first:
        return
    try:
        report(run, policy, outcome)
    except (TrainingError, OSError, RuntimeError, ValueError) as error:
        log.warning("there is no report of %s: %s", run.folder, error)
