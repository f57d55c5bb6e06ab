"""A session that waits for a person's pad says what keeps it from being read."""

from __future__ import annotations

from nitropilot.agent.play.people import missing_pad
from nitropilot.controller.human.reader import HumanReport


def test_it_says_that_there_is_no_pad() -> None:
    """Not that a pad is to be touched."""
    closed = HumanReport(False, "no permission to read the pad js0", "join the group")
    assert missing_pad(closed) == "no permission to read the pad js0; join the group"
    assert missing_pad(HumanReport(True, "read", pads=0)) == "no pad is there: plug one in"
    for there in (1, None):
        assert missing_pad(HumanReport(True, "read", pads=there)) == ""
