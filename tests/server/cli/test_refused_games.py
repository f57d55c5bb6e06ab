"""Games that the command line does not take in hand, each for one reason in one line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.server.cli.test_bad_input import LAUNCH, PLAY, error_of
from tests.server.conftest import needs_preload
from tests.server.processes import POLICY, ROOT, command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody can write")
def test_what_cannot_be_noted_is_not_done(tmp_path: Path) -> None:
    """A launch that nobody could heal after a death is none."""
    needs_preload()
    arguments = (*LAUNCH, "--policy", POLICY, "--engine", "torch")
    done = command(*arguments, home=tmp_path, NITROPILOT_LEDGER="/sys/ledger")
    line = error_of(done, tmp_path)
    assert "nothing can be noted for the case that NitroPilot dies (/sys/ledger: " in line
    assert "in NITROPILOT_LEDGER" in line


@pytest.mark.skipif(sys.platform != "linux", reason="PID namespaces are Linux's")
def test_a_game_in_a_container_needs_its_process(tmp_path: Path) -> None:
    """Its X server counts processes on its own: number 1 there is not ours to pause."""
    from tests.capture.test_namespaces import CONTAINED, unshared

    with subprocess.Popen(
        [*unshared(), sys.executable, "-c", CONTAINED], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as theirs:  # fmt: skip
        try:
            assert theirs.stdout is not None
            handle, number = theirs.stdout.readline().split()
            arguments = (*PLAY, "--engine", "torch", "--window", handle)
            line = error_of(command(*arguments, home=tmp_path, display=f":{number}"), tmp_path)
            assert "is unknown, so it could not be paused; name it with --pid beside" in line
        finally:
            theirs.kill()
