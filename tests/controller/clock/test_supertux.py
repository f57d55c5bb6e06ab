"""A real game in lockstep: the same pictures in every process, however the controller dawdles."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from tests.controller.clock.conftest import clock_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

SUPERTUX = shutil.which("supertux2") or shutil.which("supertux2", path="/usr/games")
LEVEL = "/usr/share/games/supertux2/levels/world1/welcome_antarctica.stl"
STEPS, PROCESSES = 200, 3
BAR_STEPS, BAR_PROCESSES = 1500, 5
PRESSED = 150
"""In play, on the ground: the press at this step is the first after the title card."""

pytestmark = [
    pytest.mark.game,
    pytest.mark.long,
    pytest.mark.skipif(SUPERTUX is None, reason="SuperTux is not installed"),
]


def trace(steps: int) -> list[GamepadState]:
    """Past the title card with A, then right with jumps, by chance but always the same."""
    dice, states = random.Random(3), []
    while len(states) < steps:
        early = len(states) < 100
        jump = (len(states) // 8) % 2 == 0 if early else dice.random() < 0.4
        right = not early and dice.random() < 0.8
        state = GamepadState(left=(float(right), 0.0), buttons=Button.A if jump else Button(0))
        states += [state] * 8
    return states[:steps]


class Game:
    """SuperTux in lockstep in a process of its own."""

    def __init__(self, home: Path, display: PrivateDisplay) -> None:
        self.pad = PadPage.create()
        self.page = ClockPage.create(lockstep=True, seed=7, digest=True)
        (home / "run").mkdir(mode=0o700)
        environment = {**clock_environment(self.page), **launch_environment(self.pad)}
        environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}
        environment |= {"DISPLAY": display.name, "SDL_VIDEODRIVER": "x11"}
        environment |= {"SDL_AUDIODRIVER": "dummy", "ALSOFT_DRIVERS": "null"}
        environment |= {"LIBGL_ALWAYS_SOFTWARE": "1"}
        with (home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(SUPERTUX), "--userdir", str(home), "-w", "-g", "320x240",
                 "--disable-sound", "--disable-music", LEVEL],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def step(self, state: GamepadState) -> int:
        """One step with that pad; the picture's digest."""
        self.pad.write(state)
        return self.page.step(timeout=300, alive=lambda: self.process.poll() is None).digest

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for page in (self.page, self.pad):
            page.close()
            page.unlink()


def play(
    home: Path, display: PrivateDisplay, states: list[GamepadState], pauses: float = 0.0
) -> list[int]:
    """The digest of every picture, with random pauses before a tenth of the steps."""
    home.mkdir()
    dice = random.Random()
    game = Game(home, display)
    try:
        found = []
        for state in states:
            if dice.random() < 0.1:
                time.sleep(dice.random() * pauses)
            found.append(game.step(state))
        assert "keeper" not in game.page.status().used, "its main thread never waits for a sleeper"
        return found
    finally:
        game.close()


@pytest.fixture
def busy() -> Callable[[], None]:
    """Keeps a core busy until it is called."""
    burner = subprocess.Popen(["sh", "-c", "while :; do :; done"], env=dict(os.environ))

    def stop() -> None:
        burner.kill()
        burner.wait()

    return stop


@pytest.mark.parametrize(
    ("steps", "processes"),
    [
        (STEPS, PROCESSES),
        pytest.param(
            BAR_STEPS,
            BAR_PROCESSES,
            marks=[pytest.mark.slow, pytest.mark.timeout(BAR_PROCESSES * BAR_STEPS)],
        ),
    ],
)
def test_every_picture_is_the_same(
    steps: int, processes: int, tmp_path: Path, display: PrivateDisplay, busy: Callable[[], None]
) -> None:
    """An episode that cannot be played again cannot be judged by anybody else."""
    states = trace(steps)
    try:
        first = play(tmp_path / "first", display, states)
        assert len(set(first)) > steps / 2, "it plays"
        for number in range(1, processes):
            again = play(tmp_path / str(number), display, states, 0.2)
            unlike = [step for step in range(steps) if first[step] != again[step]]
            assert unlike == [], f"process {number}"
    finally:
        busy()


def test_a_press_is_seen_in_its_own_frame(tmp_path: Path, display: PrivateDisplay) -> None:
    """A frame of delay more than the game's own is one that no person has."""
    start = trace(100) + [NEUTRAL] * (PRESSED - 100)
    jump = [GamepadState(left=(1.0, 0.0), buttons=Button.A)] * 5
    rested = play(tmp_path / "rested", display, start + [NEUTRAL] * 5)
    jumped = play(tmp_path / "jumped", display, start + jump)
    unlike = [
        step for step, pair in enumerate(zip(rested, jumped, strict=True)) if len({*pair}) > 1
    ]
    assert unlike[0] == PRESSED
