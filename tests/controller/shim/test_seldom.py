"""What programs do seldom, with pad and clock of ours: nothing crashes, hangs or ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.layout import CLOCK_VARIABLE
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.pads.shim_build import build_shim, find_compiler
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


def test_chance_has_no_end(page: PadPage, cases: Path) -> None:
    """A game that keeps the device open and draws a little each frame came to its end."""
    first, again, other = (
        run(page, ClockPage.create(lockstep=True, seed=seed), cases, "random device")
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_child_of_threads_that_are_inside(page: PadPage, cases: Path) -> None:
    """A child of fork has no thread that would ever give back what it held at that moment."""
    run(page, ClockPage.create(), cases, "forks")


def test_a_child_has_the_timers(page: PadPage, cases: Path) -> None:
    """A launcher's child is the game: in lockstep its timer never came; and what ended with it
    counts no more, or our thread looks for it all day."""
    clock = ClockPage.create(lockstep=True)
    with closing(ClockPage.open(clock.path)) as watched:
        run(page, clock, cases, "fork with a timer")
        assert watched.status().sleepers == 0


def test_a_handler_that_forks(page: PadPage, cases: Path) -> None:
    """A crash handler starts a debugger wherever its thread was: in the middle of our code too."""
    run(page, ClockPage.create(), cases, "fork in a handler")


def test_a_handler_that_waits_while_its_thread_does(cases: Path) -> None:
    """A game that is told to end while it stands at the gate must be able to, sleeps and all."""
    clock = ClockPage.create(lockstep=True)
    environment = {**os.environ, "LD_PRELOAD": str(build_shim()), CLOCK_VARIABLE: str(clock.path)}
    game = subprocess.Popen(
        [cases, "signals at the gate"], env=environment, stdout=subprocess.PIPE, text=True
    )
    over = threading.Timer(HANGS_S, game.kill)
    over.start()
    try:
        assert game.stdout is not None
        clock.wait_ready()
        for step in range(3):
            game.send_signal(signal.SIGUSR1)
            assert game.stdout.readline() == "handled\n", f"it hangs after {step} steps"
            assert clock.step().steps == step + 1
        game.terminate()
        assert game.wait() == 0
    finally:
        over.cancel()
        game.kill()
        game.communicate()
        clock.close()
        clock.unlink()


def test_timers_that_are_closed_cost_nothing(page: PadPage, cases: Path) -> None:
    """Nobody tells us of a close: the game's time stood for each, and no place was left.  Of 70
    that are open at once, the last went by the true time."""
    clock = ClockPage.create(lockstep=True)
    watched = ClockPage.open(clock.path)
    run(page, clock, cases, "closed timers")
    assert watched.status().sleepers == 0
    watched.close()


def test_numbers_as_others_write_them(page: PadPage, cases: Path) -> None:
    """Requests with their sign, time-outs without end or of many microseconds."""
    clock = ClockPage.create()
    clock.run(10)
    run(page, clock, cases, "odd numbers")


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


def test_more_threads_than_are_watched(page: PadPage, cases: Path) -> None:
    """Each read of the clock by one too many opened a file for each of the others."""
    run(page, ClockPage.create(lockstep=True), cases, "many threads")
