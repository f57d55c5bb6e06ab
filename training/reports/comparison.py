"""``comparison``: policies side by side, offline and in play, on one page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.page import Page, number, percent
from nitropilot.training.reports.charts import chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.training.evaluation.measures import OfflineScores, Smoothness

NO_RANKING = (
    "Offline scores do not rank policies. They say whether a policy learned what was pressed, and "
    "where it fails; of two policies the one with the lower loss is often not the better player. "
    "Only play says who plays better."
)
UNPLAYED = "Nothing was played: this report does not say which policy is better."


@dataclass(frozen=True)
class Trial:
    """Levels of one task, or of all.

    Attributes:
        task: Its name.
        levels, won: How many were played, and won.
        success, progress: Each with its 95 % interval: value, low, high.
    """

    task: str
    levels: int
    won: int
    success: tuple[float, float, float]
    progress: tuple[float, float, float]


@dataclass(frozen=True)
class Evaluated:
    """One policy.

    Attributes:
        name: What the report calls it.
        file: Whose weights were asked.
        fingerprint: Of it.
        horizon: Actions of a chunk.
        scores: Offline.
        all_levels: All tasks together; None where nothing was played.
        trials: Each task.
    """

    name: str
    file: str
    fingerprint: str
    horizon: int
    scores: OfflineScores
    all_levels: Trial | None = None
    trials: tuple[Trial, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "policy": self.name, "file": self.file, "fingerprint": self.fingerprint,
            "horizon": self.horizon, "offline": self.scores.facts(),
            "online": None if self.all_levels is None else {
                "all": asdict(self.all_levels), "tasks": [asdict(each) for each in self.trials],
            },
        }  # fmt: skip


def comparison(found: Sequence[Evaluated], notes: Sequence[str]) -> Page:
    """The page.

    Args:
        found: The policies, at least one.
        notes: What a reader has to know of the data and the levels, a paragraph each.
    """
    page = Page("Evaluation")
    page.say(NO_RANKING, warns=True)
    for note in notes:
        page.say(note)
    page.heading("Side by side")
    page.table(
        ("policy", "loss", "F1", "stick R2", "stick angle", "calibration error", "won", "success",
         "95 %", "progress", "95 %"),
        [_row(each) for each in found],
    )  # fmt: skip
    page.say(agreement(found))
    page.say("Offline (loss to calibration error): on what was held out. In play (won to "
             "progress): exact intervals of success, bootstrap intervals of progress.")  # fmt: skip
    if any(each.trials for each in found):
        _played(page, found)
    _buttons(page, found)
    _sticks(page, found)
    _calibration(page, found)
    page.heading("The policies")
    page.table(
        ("policy", "file", "fingerprint", "actions of a chunk"),
        [(each.name, each.file, each.fingerprint[:16], str(each.horizon)) for each in found],
    )
    page.say(
        "What `train` and `finetune` write has the averaged weights (EMA), and a run's folder "
        "stands for its newest policy: these weights were asked, and played."
    )
    return page


def agreement(found: Sequence[Evaluated]) -> str:
    """Whether the loss and the play would name the same policy here."""
    played = [each for each in found if each.all_levels is not None]
    if not played:
        return UNPLAYED
    if len(played) < 2:
        return "One policy was played: there is nothing to compare."
    learned = min(played, key=lambda each: each.scores.loss)
    shares = {each.name: each.all_levels.success[0] for each in played if each.all_levels}
    best = [name for name, share in shares.items() if share == max(shares.values())]
    said = f"{learned.name} has the lowest loss; most levels were won by {' and '.join(best)}."
    return f"{said} Where the intervals overlap, play does not say who is better either."


def _row(each: Evaluated) -> tuple[str, ...]:
    scores, trial = each.scores, each.all_levels
    angle = "-" if scores.mean_angle is None else f"{scores.mean_angle:.1f}°"
    offline = (
        number(scores.loss, 4), number(scores.f1), number(scores.mean_r2), angle,
        number(scores.calibration_error),
    )  # fmt: skip
    return each.name, *offline, *(_trial(trial) if trial else ("not played", *["-"] * 4))


def _trial(trial: Trial) -> tuple[str, ...]:
    success, progress = trial.success, trial.progress
    return (
        f"{trial.won} of {trial.levels}", percent(success[0]),
        f"{percent(success[1])} to {percent(success[2])}", number(progress[0]),
        f"{number(progress[1])} to {number(progress[2])}",
    )  # fmt: skip


def _played(page: Page, found: Sequence[Evaluated]) -> None:
    page.heading("In play")
    page.table(
        ("task", "policy", "won", "success", "95 %", "progress", "95 %"),
        [(trial.task, each.name, *_trial(trial)) for each in found for trial in each.trials],
    )


def _buttons(page: Page, found: Sequence[Evaluated]) -> None:
    page.heading("Buttons")
    page.say("Support: labels that press it. Shares: of all actions, labelled and, over all "
             "noises, predicted.")  # fmt: skip
    rows = [
        (name, each.name, str(its.support), number(its.precision), number(its.recall),
         number(its.f1), percent(its.labelled_share), percent(its.predicted_share))
        for name in found[0].scores.buttons
        for each in found
        for its in [each.scores.buttons[name]]
    ]  # fmt: skip
    heads = ("button", "policy", "support", "precision", "recall", "F1", "labelled", "predicted")
    page.table(heads, rows)


def _sticks(page: Page, found: Sequence[Evaluated]) -> None:
    page.heading("Sticks and smoothness")
    page.say("Angle: mean error of a stick's direction where the label is out of the dead zone; a "
             "stick left at rest counts 90 degrees. Jerk: third derivative of the sticks, in "
             "stick widths / s³.")  # fmt: skip
    page.table(
        ("policy", "R2 by axis", "left angle", "right angle", "flips/s", "labelled flips/s", "jerk",
         "labelled jerk"),
        [
            (each.name, ", ".join(f"{axis} {r2:.2f}" for axis, r2 in scores.r2.items()) or "-",
             _angle(scores, "left"), _angle(scores, "right"),
             *_moves(scores.smoothness, scores.label_smoothness))
            for each in found
            for scores in [each.scores]
        ],
    )  # fmt: skip


def _angle(scores: OfflineScores, stick: str) -> str:
    if stick not in scores.angle:
        return "-"
    return (f"{scores.angle[stick]:.1f}° of {scores.tilted[stick]} "
            f"({percent(scores.at_rest[stick])} at rest)")  # fmt: skip


def _moves(said: Smoothness | None, was: Smoothness | None) -> tuple[str, ...]:
    sides = (said, was)
    return (
        *(number(None if side is None else side.flips, 2) for side in sides),
        *(number(None if side is None else side.jerk, 0) for side in sides),
    )


def _calibration(page: Page, found: Sequence[Evaluated]) -> None:
    page.heading("Calibration")
    page.say(f"Of {found[0].scores.noises} chunks of each sample: how many press a button, beside "
             "how often the labels do. On the dotted diagonal both are the same.")  # fmt: skip
    page.figures([
        (chart(f"Reliability of {each.name}", "share of chunks that press", {
            "labels that press": [(b.predicted, b.labelled) for b in each.scores.reliability],
            "as said": [(0.0, 0.0), (1.0, 1.0)],
         }, (0.0, 1.0)),
         f"{each.name}: expected calibration error {number(each.scores.calibration_error)}")
        for each in found
    ])  # fmt: skip
    page.table(
        ("policy", "said", "buttons", "predicted", "labelled"),
        [(each.name, f"{b.low:.1f} to {b.high:.1f}", str(b.count), number(b.predicted),
          number(b.labelled)) for each in found for b in each.scores.reliability],
    )  # fmt: skip
