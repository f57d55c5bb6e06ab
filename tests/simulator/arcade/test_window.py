"""The window plays the very game that is played in process: frame for frame, with a real pad."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from nitropilot import capture
from nitropilot.controller.state import Button, GamepadState
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.trials import at_random, expert, play
from tests.support.places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Xvfb runs on Linux only")
SDL_BUTTONS = (
    Button.A, Button.B, Button.X, Button.Y, Button.BACK, Button.GUIDE, Button.START,
    Button.LEFT_THUMB, Button.RIGHT_THUMB, Button.LEFT_SHOULDER, Button.RIGHT_SHOULDER,
    Button.DPAD_UP, Button.DPAD_DOWN, Button.DPAD_LEFT, Button.DPAD_RIGHT,
)  # fmt: skip


def numbers(state: GamepadState) -> dict[str, Any]:
    """A state in the numbers of the pad page."""
    sticks = [round(value * 32767) for value in (
        state.left[0], -state.left[1], state.right[0], -state.right[1])]  # fmt: skip
    triggers = [round(value * 65535) - 32768 for value in (state.left_trigger, state.right_trigger)]
    down = [number for number, button in enumerate(SDL_BUTTONS) if button & state.buttons]
    return {"axes": sticks + triggers, "buttons": down}


def in_process(name: str, seed: int, trace: list[GamepadState]) -> tuple[list[str], Game]:
    """Digests of the frames of a trace, and the game after it."""
    game = Game(TASKS[name].rules.name)
    game.reset(seed, TASKS[name].level)
    digests = []
    for state in trace:
        game.step(state)
        digests.append(hashlib.sha256(game.draw().tobytes()).hexdigest()[:16])
    return digests, game


@pytest.mark.game
@pytest.mark.parametrize(
    ("who", "name"),
    [(at_random, "runner-3"), (expert, "arena-3"), (at_random, "maze-2"), (expert, "road-3"),
     (expert, "pulse-3")],
)  # fmt: skip
def test_the_window_shows_the_same_frames(
    display: PrivateDisplay, tmp_path: Path, name: str, who: Any
) -> None:
    """What is learned in process would be worth nothing in the window."""
    task = TASKS[name]
    trace = play(task, 4, who(task, 4)).trace[:250]
    expected, game = in_process(name, 4, trace)
    (tmp_path / "trace.json").write_text(json.dumps([numbers(state) for state in trace]))
    words = ["-m", "tests.simulator.arcade.window_program", name, "4", str(tmp_path / "trace.json")]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, "DISPLAY": display.name},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            if line.startswith("{"):
                break
            if not line.startswith("pygame"):
                lines.append(line.split())
        assert len(lines) == len(trace), "the program ended too early"
        assert [line[0] for line in lines] == expected
        assert [line[1] for line in lines] == expected, "the window has other pixels"
        assert json.loads(line) == game.state()
        window = capture.find_window(pid=process.pid, display=display.name)
        with capture.open_grabber(window) as grabber:
            grabbed = grabber.grab().pixels
        small = cv2.resize(grabbed, (256, 256), interpolation=cv2.INTER_AREA)
        assert np.array_equal(small, game.draw()), "an agent sees another picture"
    finally:
        process.communicate()
    assert process.returncode == 0


@pytest.mark.game
@pytest.mark.parametrize(
    ("words", "said"),
    [(("runner-9",), "runner-9"), (("maze-1", "--seed", "-1"), "the seed is -1"),
     (("maze-1", "--scale", "0"), "--scale")],
)  # fmt: skip
def test_what_cannot_be_played(words: tuple[str, ...], said: str) -> None:
    """A typing error must be named, before any window opens."""
    done = subprocess.run(
        [sys.executable, "-m", "nitropilot.simulator.arcade", *words],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
