"""The Python of docs/quickstart-developer.md, run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.server.conftest import needs_preload
from tests.server.processes import ROOT, Daemon, environment

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "quickstart-developer.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


def block(part: str) -> str:
    """The one block with this in it."""
    (found,) = [text for text in BLOCKS if part in text]
    return str(found)


def run(folder: Path, text: str, **variables: str) -> str:
    """Run an example in a folder; what it printed."""
    (folder / "example.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=folder, env={**os.environ, **variables},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_watching_a_session(daemon: Daemon, tmp_path: Path) -> None:
    """The first script against the events begins as a copy of this one."""
    needs_preload()
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "nitropilot"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nitropilot "$@"\n')
    command.chmod(0o755)
    text = block("identify").replace("localhost:6487", f"localhost:{daemon.port}")
    variables = environment(daemon.home, None, PYTHONPATH=str(ROOT))
    variables["PATH"] = f"{folder}{os.pathsep}{variables['PATH']}"
    printed = run(tmp_path, text, **variables)
    assert "chunk 3: " in printed
    assert printed.strip().endswith("state: stopped")


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("open_policy", r"\(1, 16, 25\)"),
        ("engine.infer(", r"torch asked for .*\n.*\["),
        ("gymnasium", r"^[1-9]\d*% of the level in \d+\.\d s"),
        ("SessionPlan", r"[1-9]\d* actions; ended: that will do"),
    ],
)
def test_the_parts_without_the_daemon(tmp_path: Path, part: str, says: str) -> None:
    """Who wraps one room only has these examples."""
    if part == "SessionPlan":
        needs_preload()
    printed = run(tmp_path, block(part), **environment(tmp_path, None, PYTHONPATH=str(ROOT)))
    assert re.search(says, printed), printed


def test_no_example_is_forgotten() -> None:
    """A block that no test runs grows old unseen."""
    assert len(BLOCKS) == 5


def test_a_game_is_stepped_in_twenty_lines() -> None:
    """On the first page that a developer sees, before anything else of it."""
    assert BLOCKS[0] == block("gymnasium")
    assert len(BLOCKS[0].splitlines()) <= 20
