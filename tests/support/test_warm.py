"""What every other test believes of a warm process: that it is a process like any other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot import __version__
from tests.server.processes import POLICY, ROOT, Daemon, command, environment, fresh_command
from tests.support import warm

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("serve", "--help"), ("paly",), ("token",), ("policies", "inspect", "/no")],
    ids=" ".join,
)
def test_it_says_and_ends_as_one_from_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A warm command that answered differently would prove nothing of the real one."""
    real = fresh_command(*arguments, home=tmp_path)
    found = command(*arguments, home=tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (
        real.returncode,
        real.stdout,
        real.stderr,
    )


def test_its_environment_is_its_own(tmp_path: Path) -> None:
    """A variable of one test must not reach the next one's command."""
    assert command("windows", home=tmp_path, NITROPILOT_NOTHING="1").returncode == 2
    assert "NITROPILOT_CONFIG" not in os.environ
    for name in ("a", "b"):
        assert command("token", home=tmp_path / name).returncode == 0
    tokens = {(tmp_path / name / "config" / "token").read_text() for name in ("a", "b")}
    assert len(tokens) == 2, "the forks would draw the same random numbers"


def test_what_python_reads_at_its_start_is_started_from_nothing(tmp_path: Path) -> None:
    """An encoding that is set too late would be ignored, and its test pass for no reason."""
    variables = environment(tmp_path, None, PYTHONIOENCODING="ascii")
    with (tmp_path / "output").open("wb") as output:
        process = warm.start(("--version",), variables, ROOT, output, output)
    assert isinstance(process, subprocess.Popen)
    assert process.wait(120) == 0
    assert (tmp_path / "output").read_text() == f"{__version__}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_signals_and_exit_statuses(tmp_path: Path) -> None:
    """Tests kill daemons in every way and ask how they have ended."""
    for number, status in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        home = tmp_path / number.name
        daemon = Daemon(home, None, "--policy", POLICY, "--engine", "torch", warm_start=True)
        assert daemon.process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            daemon.process.wait(0.01)
        daemon.client.close()
        assert daemon.signal(number) == status
        assert daemon.process.poll() == status
        assert not psutil.pid_exists(daemon.process.pid)
        daemon.process.send_signal(signal.SIGTERM)  # to nobody, and not to a later process
        daemon.kill()
