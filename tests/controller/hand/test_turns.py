"""Short turns on the processor: asked for without a right, and had by threads that come later."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="turns are asked of Linux")
ASK = """
import os, threading
from nitropilot.controller.hand import turns
os.nice(3)
before = turns.turn_ns()
agreed = turns.ask_for_early_turns()
later = []
thread = threading.Thread(target=lambda: later.append(turns.turn_ns()))
thread.start(); thread.join()
print(before, agreed, turns.turn_ns(), later[0], os.getpriority(os.PRIO_PROCESS, 0))
"""


def test_a_process_gets_shorter_turns_and_keeps_its_niceness() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True, env=env
    ).stdout.split()
    before, agreed, now, later, nice = said
    if agreed != "True" or now == "0":
        pytest.skip(f"this kernel ({os.uname().release}) gives all the same turns")
    assert int(now) == int(later) == 100_000 < int(before)
    assert int(nice) == os.getpriority(os.PRIO_PROCESS, 0) + 3
