"""What a run tells while it goes on, and at its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nitropilot.training.trainer.scoring import Scores


@dataclass(frozen=True)
class Told:
    """How far a run is.

    Attributes:
        done: How much of it is done, 0 to 1.
        text: One line for people.
    """

    done: float
    text: str


def told_row(row: Mapping[str, float], done: float, verdict: Verdict | None) -> Told:
    """What is told of a row of the log.

    Args:
        row: It.
        done: How much of the run is done, 0 to 1.
        verdict: Of the last validation; said where the row has one.
    """
    left = row["seconds"] * (1.0 - done) / max(done, 1e-9)
    held = f", held out {row['held_out_loss']:.4f}" if "held_out_loss" in row else ""
    if verdict is not None and "play_success" in row:
        held += f", {verdict.text}"
    return Told(
        done,
        f"step {row['step']}: loss {row['loss']:.4f}{held}, {row['samples_per_s']:.1f} "
        f"samples/s, {row['data_share']:.0%} of the time waiting for data, "
        f"MFU {row['mfu']:.0%}, {row['memory_gib']:.1f} GiB, {left / 60:.1f} min left",
    )


@dataclass(frozen=True)
class Verdict:
    """What a judge says of a policy.

    Attributes:
        good: How good it is; more is better.
        row: Figures for the log, by column.
        text: The same for people; "" for nothing.
    """

    good: float
    row: dict[str, float] = field(default_factory=dict)
    text: str = ""


@dataclass
class Outcome:
    """What became of a run.

    Attributes:
        ended: ``done`` or ``interrupted``.
        step: Steps that were done, those of earlier processes too.
        seconds: Seconds of training, those of earlier processes too.
        loss: Mean loss of the last row of the log; None before the first.
        scores: Of the last validation; None without any.
        best_step: Of the best checkpoint; None without any.
        verdict: Of the last validation; None without any.
        samples: How many there are to learn from, and how many are held out.
        skipped: Recordings that were left out, with the reason.
    """

    ended: str
    step: int
    seconds: float
    loss: float | None
    scores: Scores | None
    best_step: int | None
    samples: tuple[int, int]
    verdict: Verdict | None = None
    skipped: dict[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        scores = self.scores
        held_out = None if scores is None else asdict(scores)
        return {
            "ended": self.ended,
            "steps": self.step,
            "seconds": round(self.seconds, 3),
            "loss": self.loss,
            "held_out": held_out,
            "best_step": self.best_step,
            "play": self.verdict.row if self.verdict is not None and self.verdict.row else None,
            "samples": {"learned": self.samples[0], "held_out": self.samples[1]},
            "skipped": self.skipped,
        }
