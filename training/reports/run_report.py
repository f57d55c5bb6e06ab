"""``write_report``: what a run did, as ``report.html`` in its folder."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.page import Page, number, percent
from nitropilot.training.objective.draws import VALIDATION, draw
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.reports.charts import chart
from nitropilot.training.reports.examples import chunk, picture
from nitropilot.training.trainer.files import BEST, NEWEST, written
from nitropilot.training.trainer.logs import read_log
from nitropilot.training.trainer.speed import MFU_FORMULA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.trainer.config import TrainConfig
    from nitropilot.training.trainer.outcome import Outcome
    from nitropilot.training.trainer.run import Run

    Rows = Sequence[Mapping[str, str]]

REPORT = "report.html"
EXAMPLES = 6
CURVES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Loss", {"training": "loss", "held out": "held_out_loss"}),
    ("Learning rate", {"learning rate": "learning_rate"}),
    ("F1 of buttons, held out", {"mean F1": "held_out_f1"}),
    ("R2 of sticks, held out", {"mean R2": "held_out_r2"}),
    ("Samples a second", {"samples/s": "samples_per_s"}),
    ("Closed-loop trials", {"levels won": "play_success", "progress": "play_progress"}),
)
"""Title, and the columns of the log by the name of their curve."""


def write_report(run: Run, policy: Policy, outcome: Outcome) -> None:
    """Write the report of a run that has ended, or was interrupted.

    Raises:
        NotWritten: It cannot be written.
    """
    page = Page(f"Run {run.folder.name}")
    rows = read_log(run.folder)
    _summary(page, outcome, len(run.prepared.dataset.clips))
    _checkpoints(page, run, rows)
    _curves(page, rows)
    _trials(page, run.config, rows)
    _examples(page, run, policy)
    _told(page, run.config)
    with written(run.folder / REPORT) as part:
        part.write_text(page.html(), encoding="utf-8")


def _summary(page: Page, outcome: Outcome, recordings: int) -> None:
    learned, held_out = outcome.samples
    ended = (
        "It was interrupted; the same command goes on from there."
        if outcome.ended == "interrupted"
        else "It is done."
    )
    page.say(
        f"{outcome.step} steps in {outcome.seconds / 60:.1f} min, over {learned} samples of "
        f"{recordings} recordings; {held_out} samples were held out. {ended}"
    )
    page.say("The figures of what was held out do not say how well a policy plays: of two policies "
             "the one with the lower loss is often not the better player.", warns=True)  # fmt: skip
    if outcome.skipped:
        page.say("Recordings that were left out, and why:")
        page.table(("recording", "why"), outcome.skipped.items())


def _checkpoints(page: Page, run: Run, rows: Rows) -> None:
    page.heading("Checkpoints")
    page.table(
        ("file", "step", "why"),
        [(BEST, "-" if run.best_step is None else str(run.best_step), best_reason(run, rows)),
         (NEWEST, str(run.step), "the newest")],
    )  # fmt: skip
    page.say("Both have the averaged weights (EMA): these are what was validated, and what plays.")


def best_reason(run: Run, rows: Rows) -> str:
    """Why the best checkpoint is the best."""
    if run.best_step is None:
        return "there is none: nothing was validated"
    row = next((row for row in rows if int(row["step"]) == run.best_step), {})
    count = len(_points(rows, "held_out_loss"))
    among = f"of {count} validations"
    if run.config.choice.play:
        return (
            f"it played best {among}: {percent(_value(row, 'play_success'))} of its levels won, "
            f"progress {number(_value(row, 'play_progress'))}; progress decides where as many are "
            "won"
        )
    return f"its held-out loss, {number(_value(row, 'held_out_loss'), 4)}, is the lowest {among}"


def _curves(page: Page, rows: Rows) -> None:
    page.heading("Curves")
    drawn = []
    for title, columns in CURVES:
        curves = {name: points for name, column in columns.items()
                  if (points := _points(rows, column))}  # fmt: skip
        if markup := chart(title, "step", curves):
            drawn.append((markup, title))
    page.figures(drawn)
    if not drawn:
        page.say("The run ended before its log had a row.")
    page.say(f"MFU at the end: {percent(next(iter(_last(rows, 'mfu')), None))}; {MFU_FORMULA}.")


def _trials(page: Page, config: TrainConfig, rows: Rows) -> None:
    page.heading("Closed-loop trials")
    if not config.choice.play:
        page.say("Nobody played: the best checkpoint was chosen by its loss. Name a game with "
                 "--play to choose it by play.")  # fmt: skip
        return
    page.say(f"The averaged weights played {', '.join(config.choice.play)}: "
             f"{config.choice.play_levels} levels of each task, the same each time.")  # fmt: skip
    page.table(
        ("step", "levels won", "progress"),
        [(row["step"], percent(_value(row, "play_success")), number(_value(row, "play_progress")))
         for row in rows if row.get("play_success")],
    )  # fmt: skip


def _examples(page: Page, run: Run, policy: Policy) -> None:
    page.heading("Examples")
    held_out, dataset = run.prepared.held_out, run.prepared.dataset
    if not len(held_out):
        page.say("Nothing was held out, so there is nothing to show that was not learned.")
        return
    places = np.unique(np.linspace(0, len(held_out) - 1, EXAMPLES).round().astype(int))
    samples = held_out[places].tolist()
    page.say("Held-out frames as the policy sees them, with what was pressed next and what the "
             "newest policy would press.")  # fmt: skip
    batch = dataset.batch(samples).to(run.prepared.device)
    shape = (len(batch), policy.horizon, policy.action_dim)
    noise = draw((0, VALIDATION, 0), shape, TimeDistribution()).noise.to(run.prepared.device)
    games = None if batch.games is None else batch.games.tolist()
    dropped = None if batch.keep is None else ~batch.keep
    answer = policy.sample(batch.images(), noise, game=games, dropped=dropped).cpu().numpy()
    for place, sample in enumerate(samples):
        name = dataset.named(sample)
        frame = batch.frames[place, -1].permute(1, 2, 0).cpu().numpy()
        was = dataset.wish.layout.read(batch.actions[place].cpu().numpy())
        says = dataset.wish.layout.read(answer[place])
        page.figures([(picture(frame, escape(name)), name), (chunk(was, says), "")])


def _told(page: Page, config: TrainConfig) -> None:
    page.heading("Configuration")
    told: dict[str, dict[str, Any]] = config.model_dump(mode="json")
    page.table(
        ("option", "value"),
        [(f"{section}.{name}", str(value)) for section, fields in told.items()
         for name, value in fields.items()],
    )  # fmt: skip


def _value(row: Mapping[str, str], column: str) -> float | None:
    return float(row[column]) if row.get(column) else None


def _points(rows: Rows, column: str) -> list[tuple[float, float]]:
    """A column by step, where it has a value."""
    return [(float(row["step"]), value) for row in rows
            if (value := _value(row, column)) is not None]  # fmt: skip


def _last(rows: Rows, column: str) -> list[float]:
    return [value for _, value in _points(rows, column)[-1:]]
