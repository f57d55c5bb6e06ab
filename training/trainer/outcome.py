"""What a run tells while it goes on, and at its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
