"""What can go wrong between a recording and a trained policy.

TrainingError
├── BadSettings       the configuration or an option cannot be followed
├── BadData           there is nothing to learn from, or what is there does not go together
├── OtherRun          the folder holds a run with other settings or other data
├── LossNotFinite     the loss or its gradient is no number any more
├── NoMemory          a batch does not fit; the message says which one does
├── PeerLost          another process of the run has ended, or cannot be met
└── NotWritten        the disk takes no checkpoint; the one before it stays
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class TrainingError(NitroPilotError):
    """Any failure of training."""

    code = "training_failed"


class BadSettings(TrainingError):
    """The configuration or an option cannot be followed."""

    code = "training_settings"


class BadData(TrainingError):
    """There is nothing to learn from, or what is there does not go together."""

    code = "training_data"


class OtherRun(TrainingError):
    """The folder holds a run with other settings or other data."""

    code = "training_other_run"


class LossNotFinite(TrainingError):
    """The loss or its gradient is no number any more."""

    code = "loss_not_finite"


class NoMemory(TrainingError):
    """A batch does not fit into memory."""

    code = "training_memory"


class NotWritten(TrainingError):
    """A file of the run cannot be written."""

    code = "training_not_written"


class PeerLost(TrainingError):
    """Another process of the run has ended, or cannot be met."""

    code = "training_process_lost"
