"""``PlayJudge``: the best checkpoint is the one that plays best, whatever its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.simulator.benchmark.beside import play_levels
from nitropilot.simulator.benchmark.policies.engine import EnginePlayer
from nitropilot.simulator.benchmark.policies.naming import Entry
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.demonstrations.recording import tasks_of
from nitropilot.training.trainer.outcome import Verdict

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.trainer.config import ChoiceConfig
    from nitropilot.training.trainer.scoring import Scores

SUITE = "arcade"
FIRST_LEVEL = 500_000
"""Seeds of the levels that choose: none of the benchmark's, and none that are taught."""
TIE = 1e-3
"""What all progress counts beside one share of wins: it decides where as many are won."""


class PlayJudge:
    """Plays the same levels with every policy that it is shown.

    Args:
        choice: What, and how many.

    Raises:
        NoDemonstration: There is no such game.
    """

    def __init__(self, choice: ChoiceConfig) -> None:
        names = dict.fromkeys(name for game in choice.play for name in tasks_of(game))
        self._tasks = [task_named(SUITE, name) for name in names]
        self._choice = choice

    def __call__(self, policy: Policy, _scores: Scores) -> Verdict:
        """Share of levels won; where that is the same, how far it came."""
        engine = TorchEngine(policy, "to choose the best checkpoint")
        player = EnginePlayer(Entry("in training", "checkpoint"), engine)
        spec = engine.spec
        chunk = self._choice.play_actions or spec.actions or max(spec.horizon // 2, 1)
        seeds = range(FIRST_LEVEL, FIRST_LEVEL + self._choice.play_levels)
        try:
            played = [play_levels(player, task, seeds, chunk) for task in self._tasks]
        finally:
            player.close()
        levels = [level for its in played for level in its]
        success = sum(level.won for level in levels) / len(levels)
        progress = sum(level.progress for level in levels) / len(levels)
        return Verdict(
            success + TIE * progress,
            {"play_success": success, "play_progress": progress},
            f"won {sum(level.won for level in levels)} of {len(levels)} levels "
            f"(progress {progress:.2f})",
        )
