"""What can go wrong between a checkpoint file and actions.

    PolicyError
    ├── CheckpointError      the file is not a checkpoint, or a damaged one
    └── ObservationError     images, noise or options do not fit this policy
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class PolicyError(NitroPilotError):
    """Any failure of a policy."""

    code = "policy_failed"


class CheckpointError(PolicyError):
    """The checkpoint cannot be loaded; the message names the file and the fault."""

    code = "checkpoint_invalid"


class ObservationError(PolicyError):
    """The input does not fit the policy; the message gives both shapes."""

    code = "observation_invalid"
