"""An improvement as a job: what its request means here, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.server.improving.history import HistoryStore
from nitropilot.server.improving.improving import SCRATCH, improve, plan, start_policy
from nitropilot.server.improving.wish import ImproveWish
from nitropilot.server.store.paths import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.server.jobs.job_kinds import ImproveRequest


def improve_job(
    request: ImproveRequest, models: Path, recordings: Path, tell: Callable[[str, float], None]
) -> dict[str, Any]:
    """Improve a policy, or say how long that would take.

    Args:
        request: What is asked for.
        models: Where the user's policies are.
        recordings: Where all recordings are.
        tell: Is told what is done, and how much of all, 0 to 1.

    Raises:
        ImproveRefused, HistoryDamaged, TrainingError, PolicyError: It cannot be done.
    """
    store = HistoryStore()
    used = store.read().game(request.game).used  # whether it can be read is known before training
    wish = ImproveWish(
        data=tuple(recordings / name for name in request.recordings) or (recordings,),
        policy=request.policy or start_policy(used),
        models=models, scratch=data_folder() / SCRATCH, game=request.game, play=request.play,
        minutes=request.minutes, steps=request.steps, limit_minutes=request.limit_minutes,
        corrections=request.corrections, levels=request.levels, batch_size=request.batch_size,
        only_corrected=request.learn == "corrections", hz=request.hz,
    )  # fmt: skip
    tell("measuring how long it takes here", 0.0)
    planned = plan(wish)
    return planned.facts() if request.estimate else improve(wish, planned, store, tell)
