"""The pad in programs of many engines: each opens it in its own way, and must see the same."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.state import NEUTRAL, Button, GamepadState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.controller.pads.pad_page import PadPage

pytestmark = pytest.mark.long
PROGRAMS = Path(__file__).with_name("programs")
STATIC_SDL = (
    "-Wl,-Bstatic", "-lSDL2", "-Wl,-Bdynamic",
    *(f"-l{name}" for name in (
        "m", "asound", "dl", "pthread", "pulse-simple", "pulse", "samplerate", "X11", "Xext",
        "Xcursor", "Xi", "Xfixes", "Xrandr", "Xss", "drm", "gbm", "wayland-egl", "wayland-client",
        "wayland-cursor", "xkbcommon", "decor-0", "rt",
    )),
)  # fmt: skip
STEPS = [
    (GamepadState(buttons=Button.A), [True, True, False, False, 0.0]),
    (GamepadState(buttons=Button.START), [True, False, True, False, 0.0]),
    (GamepadState(buttons=Button.DPAD_LEFT), [True, False, False, True, 0.0]),
    (GamepadState(left=(-1.0, 0.0)), [True, False, False, False, -1.0]),
    (NEUTRAL, [True, False, False, False, 0.0]),
]
"""What is written, and what a program shows: known, A, START, left on the d-pad, left stick."""


def python(name: str) -> list[str]:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return [sys.executable, str(PROGRAMS / f"{name}_program.py")]


def godot() -> list[str]:
    program = shutil.which("godot3-runner")
    if program is None:
        pytest.skip("godot3-runner is not installed")
    return [program, "--path", str(PROGRAMS / "godot"), "--audio-driver", "Dummy"]


def sdl(compiled: Callable[..., Path], *libraries: str) -> list[str]:
    if not Path("/usr/include/SDL2/SDL.h").exists():
        pytest.skip("the headers of SDL 2 are not installed")
    source = (PROGRAMS / "sdl.c").read_text()
    return [str(compiled(source, "-I/usr/include/SDL2", *libraries))]


@pytest.fixture(params=["shared SDL", "static SDL", "glfw", "raylib", "pyglet", "evdev", "godot"])
def command(request: pytest.FixtureRequest, compiled: Callable[..., Path]) -> list[str]:
    kind: str = request.param
    if kind == "godot":
        return godot()
    if kind.endswith("SDL"):
        return sdl(compiled, *(STATIC_SDL if kind.startswith("static") else ("-lSDL2",)))
    return python(kind)


def shows(output: Iterator[str], wanted: list[object]) -> None:
    """Read on until the program shows it; it ends, and so does its output, where it cannot."""
    seen = []
    for line in output:
        seen.append(line)
        if line.startswith("pad ") and json.loads(line[4:]) == wanted:
            return
    raise AssertionError(f"the program never showed {wanted}: {seen}")


def test_every_engine_sees_the_pad(
    command: list[str], page: PadPage, display: PrivateDisplay, tmp_path: Path
) -> None:
    """A game that has its SDL inside, or none, got no pad and said nothing."""
    environment = {**os.environ, **launch_environment(page), "HOME": str(tmp_path)}
    environment |= {"LIBGL_ALWAYS_SOFTWARE": "1", "SDL_AUDIODRIVER": "dummy", "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        try:
            assert program.stdout is not None
            shows(program.stdout, [True, False, False, False, 0.0])
            for state, wanted in STEPS:
                page.write(state)
                shows(program.stdout, wanted)
            page.write(GamepadState(buttons=Button.B))
            program.stdout.read()
            assert program.wait() == 0
            status = page.status()
            assert (status.attached, status.pid, status.error) == (1, program.pid, "")
        finally:
            program.kill()
