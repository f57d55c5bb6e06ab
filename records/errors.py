"""What can be wrong with a recording that is read.

RecordsError
├── NotARecording        the folder holds something else, or is not there
├── UnfinishedRecording  it is still being written, or was cut off and not mended yet
├── DamagedRecording     a file of it is missing, broken, or not of this format
└── FramesWithoutTimes   an older version made it: nobody knows when its pictures were taken
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class RecordsError(NitroPilotError):
    """Any failure to read a recording."""

    code = "records_unreadable"


class NotARecording(RecordsError):
    """The folder is no recording and no video of the published set."""

    code = "not_a_recording"


class UnfinishedRecording(RecordsError):
    """The recording has not ended: its rows and frames may not match."""

    code = "recording_unfinished"


class DamagedRecording(RecordsError):
    """A file of the recording cannot be read, or does not hold what it should."""

    code = "recording_damaged"


class FramesWithoutTimes(RecordsError):
    """It can be looked at, and not be learned from."""

    code = "frames_without_times"
