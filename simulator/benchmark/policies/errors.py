"""What can go wrong with a policy that entered.

SimulatorError
└── EntryError
    ├── UnknownPolicy   nothing of that name can enter
    └── PolicyFailed    it crashed, answered rubbish, or did not answer in time
"""

from __future__ import annotations

from nitropilot.simulator.environments.errors import SimulatorError


class EntryError(SimulatorError):
    """Any failure of what entered, and of nobody else."""

    code = "entry_failed"


class UnknownPolicy(EntryError):
    """Nothing of that name can enter."""

    code = "unknown_policy"


class PolicyFailed(EntryError):
    """It failed in an episode, which counts as its own.

    Args:
        how: One of ``CRASHED``, ``LATE``, ``RUBBISH``: what records call it.
        message: What happened.
        hint: What it should have been.
    """

    def __init__(self, how: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.how = how


CRASHED, LATE, RUBBISH = "policy crashed", "policy timed out", "policy answered rubbish"
