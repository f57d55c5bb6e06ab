"""Versions are asked of the games themselves."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent.errors import LaunchFailed
from nitropilot.simulator.games.known import KNOWN_GAMES
from nitropilot.simulator.games.recipes import installed
from nitropilot.simulator.games.versions import installed_version

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", [name for name, game in KNOWN_GAMES.items() if game.tasks])
def test_what_is_installed_says_its_version(name: str) -> None:
    """A pattern that fits nothing would make every version an unknown one."""
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    assert installed_version(KNOWN_GAMES[name])[0].isdigit()


@pytest.mark.skipif(sys.platform == "win32", reason="a script with a first line")
@pytest.mark.parametrize(
    ("says", "version"), [("echo supertux2 v9.1", "9.1"), ("exit 3", ""), ("echo nothing", "")]
)
def test_another_one(says: str, version: str, tmp_path: Path) -> None:
    """Newer, broken, silent; and one that is not there."""
    known = KNOWN_GAMES["supertux"]
    program = tmp_path / "game"
    game = replace(known, launch=replace(known.launch, program=str(program)))
    with pytest.raises(LaunchFailed, match="not installed"):
        installed_version(game)
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    assert installed_version(game) == version
