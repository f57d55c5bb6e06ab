"""The preloaded pad in a real game that links the system's SDL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.pads.pad_page import PadPage, find_page
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.pads.shim_build import find_compiler
from nitropilot.controller.state import Button, GamepadState

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

SUPERTUX = shutil.which("supertux2") or shutil.which("supertux2", path="/usr/games")
LEVEL = "/usr/share/games/supertux2/levels/world1/welcome_antarctica.stl"
START_TIMEOUT_S = 180.0

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux"),
    pytest.mark.skipif(
        find_compiler() is None, reason="no C compiler to build the preload library"
    ),
    pytest.mark.skipif(SUPERTUX is None, reason="SuperTux is not installed"),
]


def start(page: PadPage, home: Path) -> subprocess.Popen[bytes]:
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    environment = {**os.environ, **launch_environment(page)}
    environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
    environment |= {"SDL_AUDIODRIVER": "dummy", "ALSOFT_DRIVERS": "null"}
    environment |= {"LIBGL_ALWAYS_SOFTWARE": "1"}
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [str(SUPERTUX), "--userdir", str(home), "-w", "-g", "320x240",
             "--disable-sound", "--disable-music", LEVEL],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def wait_for_polls(page: PadPage, process: subprocess.Popen[bytes], more_than: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while page.status().polls <= more_than:
        assert process.poll() is None, f"the game ended with {process.returncode}, see its log"
        assert time.monotonic() < deadline, f"the game does not read its pad: {page.status()}"
        time.sleep(0.05)


def test_supertux_opens_and_polls_the_pad(tmp_path: Path, display: PrivateDisplay) -> None:
    """A game that attaches but never opens the pad looks fine and does not move."""
    page = PadPage.create()
    process = start(page, tmp_path)
    try:
        wait_for_polls(page, process, 0)
        status = page.status()
        assert (status.attached, status.pid, status.error) == (1, process.pid, "")
        page.write(GamepadState(left=(1.0, 0.0), buttons=Button.A))
        wait_for_polls(page, process, status.polls + 10)
        assert find_page(process.pid) == page.path
    finally:
        process.kill()
        process.wait()
        page.close()
        page.unlink()
