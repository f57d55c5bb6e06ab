"""What runs the slow proofs: a step that hangs is ended, and no step outlives the runner."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from scripts import proof_runs
from scripts.proof_list import ALWAYS, LIST, Proof
from scripts.proof_runs import TOO_LONG, run
from tests.agent.playing import until
from tests.support.places import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups of Unix")
PATIENCE_S = 120.0
STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
if len(sys.argv) > 2:
    subprocess.Popen([sys.executable, __file__, sys.argv[2]])
place = pathlib.Path(sys.argv[1])
place.with_suffix(".part").write_text(str(os.getpid()))
place.with_suffix(".part").rename(place)
while True:
    time.sleep(600)
"""


class Hanging:
    """A command of two processes that end of themselves never, and leave only by force."""

    def __init__(self, folder: Path) -> None:
        self.files = [folder / "parent", folder / "child"]
        program = folder / "stubborn.py"
        program.write_text(STUBBORN)
        self.command = shlex.join([sys.executable, str(program), *map(str, self.files)])

    def pids(self) -> list[int]:
        """Of both, once they run."""
        until(lambda: all(file.exists() for file in self.files), "both run")
        return [int(file.read_text()) for file in self.files]


def ended(pid: int) -> bool:
    """Whether a process does nothing any more, waited for or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hanging:
    """In a folder that we are in, with a list of that row alone."""
    hanging = Hanging(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ci").mkdir()
    row = (
        f"[[proof]]\nname = 'hangs'\nminutes = 1\nwhen = 'always'\ncommand = '{hanging.command}'\n"
    )
    Path(LIST).write_text(f"minutes = 9\n[tests]\ncommand = 'true'\nminutes = 1\n{row}")
    return hanging


def test_a_step_that_hangs_is_ended(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test that waits for ever would cost all rows behind it, and keep its processes."""
    monkeypatch.setattr(proof_runs, "PATIENCE_S", 0.1)
    limits = []

    class Soon(subprocess.Popen[bytes]):
        """A process for which nobody waits longer than for both to run."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                limits.append(timeout)
                timeout = 0.0 if hanging.pids() and len(limits) == 1 else timeout
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Soon)
    results = run([Proof("hangs", hanging.command, 2, ALWAYS), Proof("next", "true", 1, ALWAYS)])
    assert limits == [3 * 2 * 60, 3 * 60]
    assert [result.status for result in results] == [TOO_LONG, 0]
    for pid in hanging.pids():
        until(lambda pid=pid: ended(pid), "it has ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_runner_takes_its_step_along(hanging: Hanging, number: signal.Signals) -> None:
    """A run that continuous integration cancels would leave daemons and games behind."""
    code = (
        "import signal, sys; from scripts import proof_runs, slow_proofs; "
        "proof_runs.PATIENCE_S = 0.1; slow_proofs.start()"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", code, "--only", "hangs"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        pids = hanging.pids()
        runner.send_signal(number)
        assert runner.wait(PATIENCE_S) == 1
        for pid in pids:
            until(lambda pid=pid: ended(pid), "it has ended")
    finally:
        runner.kill()
        runner.wait()
