"""What programs do seldom, with pad and clock of ours: nothing crashes, hangs or comes to an end."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.layout import CLOCK_VARIABLE
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.pads.shim_build import find_compiler
from tests.controller.shim.conftest import HERE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.controller.pads.pad_page import PadPage

HANGS_S = 60
"""After which a case hangs for good."""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``cases.c``, compiled."""
    made = tmp_path_factory.mktemp("cases") / "cases"
    source = HERE / "programs" / "cases.c"
    compiler = shlex.split(find_compiler() or "")
    subprocess.run([*compiler, "-O1", "-w", source, "-o", made, "-lpthread", "-ldl"], check=True)
    return made


def run(page: PadPage, clock: ClockPage, *command: str | Path) -> str:
    """What a program says, which must end well."""
    environment = {**os.environ, **launch_environment(page), CLOCK_VARIABLE: str(clock.path)}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=HANGS_S
        )
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        clock.close()
        clock.unlink()
    return done.stdout


def test_names_that_are_none(page: PadPage, cases: Path) -> None:
    """Where the C library answers that there is no such thing, ours must not crash."""
    run(page, ClockPage.create(), cases, "no names")


def test_the_time_with_its_zone(page: PadPage, cases: Path) -> None:
    """A game that asks as programs did long ago saw the time for which it had been frozen."""
    clock = ClockPage.create()
    clock.freeze()
    run(page, clock, cases, "zone")


LAYERS = {
    "libSDL3.so.0": "int shown; long SDL_RenderPresent(void *r) { return ++shown; }",
    "libSDL2-2.0.so.0": """
#include <dlfcn.h>
static long (*next)(void *);
__attribute__((constructor)) static void load(void)
{ *(void **)&next = dlsym(dlopen(THREE, RTLD_NOW), "SDL_RenderPresent"); }
long SDL_RenderPresent(void *renderer) { return next(renderer); }
""",
    "game": """
#include <stdio.h>
long SDL_RenderPresent(void *);
int main(void) { SDL_RenderPresent(0); printf("%ld", SDL_RenderPresent(0)); return 0; }
""",
}


def test_one_library_that_stands_for_another(
    page: PadPage, compiled: Callable[..., Path], tmp_path: Path
) -> None:
    """SDL 2 is a layer over SDL 3 on newer systems, with the same names in both: a door of ours
    in front of the lower one leads to the upper one, and so on until the stack is full."""
    made = {}
    for name, source in LAYERS.items():
        how = ["-shared", "-fPIC", f'-DTHREE="{made["libSDL3.so.0"]}"'] if made else []
        how = how if name != "game" else [str(made["libSDL2-2.0.so.0"])]
        made[name] = compiled(source, *(how or ["-shared", "-fPIC"]), name=name)
    clock = ClockPage.create()
    status = ClockPage.open(clock.path)
    assert run(page, clock, made["game"]) == "2"
    assert status.status().pictures == 2, "what the game shows still passes our door"
    status.close()
