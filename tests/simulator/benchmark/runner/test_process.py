"""A process of a run is ended with all that it started, and nobody else is."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.mailbox import Mailbox
from nitropilot.simulator.benchmark.runner.process import Child

if sys.platform == "win32":
    pytest.skip("Windows has no groups of processes", allow_module_level=True)

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.runner.process import Letters

PATIENCE_S = 600.0


def test_a_group_is_ended_while_its_number_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once its leader was waited for, an empty group's number may be that of somebody else's game:
    it must still be a zombie, and is gone afterwards."""
    ended: list[str] = []
    killpg = os.killpg

    def noted(group: int, number: int) -> None:
        ended.append(psutil.Process(group).status())
        killpg(group, number)

    monkeypatch.setattr(os, "killpg", noted)
    box: Letters = Mailbox()
    child = Child("nitropilot.texts", box)
    assert box.get(PATIENCE_S) == (child, None)
    assert child.obituary() == "its process ended with status 0"
    assert child.close(PATIENCE_S)
    assert ended == [psutil.STATUS_ZOMBIE]
    assert not psutil.pid_exists(child.pid)
    child.close(0.0)
    assert len(ended) == 1, "its number is no longer its own"
