"""``ImproveWish``: what an improvement is told, by the command line or by the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.training.trainer.config import FINETUNE, TrainConfig, read_config

if TYPE_CHECKING:
    from pathlib import Path

CORRECTIONS, BEFORE_S = 2.0, 0.5
"""How much a human's rows count beside an agent's, and what is left out before them."""
MINUTES, LIMIT_MINUTES = 20.0, 180.0
LEVELS, BATCH = 30, 32


@dataclass(frozen=True)
class ImproveWish:
    """What is to be done.

    Attributes:
        data: Folders with recordings.
        policy: To start from, as commands name it.
        models: The user's policies: what is made lies in ``improved/`` there.
        scratch: Where a run may keep its files while it goes on.
        game: Of which the recordings are; None where they are of one.
        play: The game of the arcade, or its task, by which it is measured; None: the game.
        minutes: Of training.
        steps: Of training, in place of minutes.
        limit_minutes: Most that all of it may take.
        corrections: How much a human's rows count where they corrected an agent.
        before_takeover: Seconds of the agent before that which are not learned.
        levels: Of each task, to compare.
        batch_size: Samples a step.
        seed: Of the training.
        only_corrected: Learn from nothing but recordings in which a human took over.
        out: The new policy's file; None: one in ``models``.
        hz: Rows a second that recordings of another rate are resampled to; None: they are not.
    """

    data: tuple[Path, ...]
    policy: str
    models: Path
    scratch: Path
    game: str | None = None
    play: str | None = None
    minutes: float = MINUTES
    steps: int | None = None
    limit_minutes: float = LIMIT_MINUTES
    corrections: float = CORRECTIONS
    before_takeover: float = BEFORE_S
    levels: int = LEVELS
    batch_size: int = BATCH
    seed: int = 0
    only_corrected: bool = False
    out: Path | None = None
    hz: float | None = None

    def config(self, folders: tuple[Path, ...] | None = None) -> TrainConfig:
        """The run's configuration: that of ``finetune``, with corrections.

        Args:
            folders: The recordings; None: ``data``.

        Raises:
            BadSettings: A value cannot be followed; the field is named.
        """
        given = {
            "data": [str(folder) for folder in folders or self.data], "policy": self.policy,
            "corrections": self.corrections, "before_takeover": self.before_takeover,
            "batch_size": self.batch_size, "seed": self.seed, "steps": self.steps,
            "minutes": self.minutes if self.steps is None else None, "validate_every": 200,
            "save_every": 1_000_000, "hz": self.hz,
        }  # fmt: skip
        return read_config(None, given, FINETUNE)
