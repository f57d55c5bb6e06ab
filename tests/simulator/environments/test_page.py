"""The first page that a developer sees does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import nitropilot.simulator  # noqa: F401

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/environments.md").read_text()
README = (ROOT / "README.md").read_text()


def test_the_pages_example_wins_as_it_says() -> None:
    """Twenty lines that look at the picture and press what it asks for."""
    code, _ = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(code.splitlines()) <= 20
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (said,) = re.findall(r"prints `(.*?)`", PAGE)
    assert done.stdout == said + "\n"


def test_what_the_readme_shows_runs_as_it_stands() -> None:
    """Whoever pastes it has a game in three lines."""
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)
    (code,) = [block for block in blocks if "gymnasium" in block]
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["info"]["game_time"] == pytest.approx(1 / 60)
    assert names["picture"].shape == (256, 256, 3)
    names["env"].close()


def test_the_ids_that_it_names_exist() -> None:
    """Whoever copies one from the page gets an environment."""
    named = set(re.findall(r"NitroPilot/[A-Z][\w-]+-v0", PAGE))
    assert len(named) > 3
    assert named <= gymnasium.registry.keys()
