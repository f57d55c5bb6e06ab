"""What can go wrong between a checkpoint file and actions.

PolicyError
├── CheckpointError      the file is not a checkpoint, or a damaged one
└── ObservationError     images, noise or options do not fit this policy
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError

MAX_QUOTED = 80


class PolicyError(NitroPilotError):
    """Any failure of a policy."""

    code = "policy_failed"


class CheckpointError(PolicyError):
    """The checkpoint cannot be loaded; the message names the file and the fault."""

    code = "checkpoint_invalid"


class ObservationError(PolicyError):
    """The input does not fit the policy; the message gives both shapes."""

    code = "observation_invalid"


def quoted(value: object) -> str:
    """A value from a file, safe to show: short, and with terminal control codes escaped."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a deep nest
        return f"a strange {type(value).__name__}"
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."
