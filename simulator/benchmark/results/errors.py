"""What can go wrong with a result.

ResultError
├── NotAResult        the folder holds something else, or is not there
├── OtherFormat       another version of NitroPilot made it, in a format of its own
├── DamagedResult     a file of it is missing, broken, or says what cannot be
├── RunDiffers        it is of another run than the one that is to go on
├── ResultBusy        somebody writes it
├── WrongRecord       an episode is none of this run's
├── NotWritten        there is no room for more of it, or no right to write it
└── NotComparable     two results, or two parts of one, are not of the same thing
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class ResultError(NitroPilotError):
    """Any failure of a result."""

    code = "result_failed"


class NotAResult(ResultError):
    """The folder is no result."""

    code = "not_a_result"


class OtherFormat(ResultError):
    """The result is of a format that this version does not know."""

    code = "result_other_format"


class DamagedResult(ResultError):
    """A file of the result cannot be read, or does not hold what it should."""

    code = "result_damaged"


class RunDiffers(ResultError):
    """What identifies the run is not what it was: its episodes may not be mixed."""

    code = "result_differs"


class ResultBusy(ResultError):
    """Another process writes this result."""

    code = "result_busy"


class WrongRecord(ResultError):
    """The run did not ask for this episode, or has it."""

    code = "result_wrong_record"


class NotWritten(ResultError):
    """The system does not let us write it; what was there before is untouched."""

    code = "result_not_written"


class NotComparable(ResultError):
    """They are of different versions of a task, or one of them lacks episodes."""

    code = "results_not_comparable"
