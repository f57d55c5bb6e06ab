"""Whatever a launch has started ends with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("the game is a shell", allow_module_level=True)

from nitropilot.agent.target.launch_tree import LaunchTree
from nitropilot.controller.processes import LAUNCH_VARIABLE, marked
from tests.agent.playing import until

STARTS_ANOTHER = "trap 'setsid sleep 600 & exit 0' TERM; touch ready; while :; do sleep 0.02; done"


def test_who_is_begun_while_the_others_end(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A launcher that is asked to end may start its crash reporter, or its game again."""
    folder, tree = tmp_path_factory.mktemp("game"), LaunchTree()
    tree.process = subprocess.Popen(
        ["sh", "-c", STARTS_ANOTHER], cwd=folder, start_new_session=True,
        env={**os.environ, LAUNCH_VARIABLE: tree.mark},
    )  # fmt: skip
    until((folder / "ready").exists, "the game is there")
    tree.end(3.0)
    assert not tree.running()
    assert not marked(tree.mark)
