"""Lockstep: a step is 1/60 s, whatever the program does with time and whoever dawdles."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.errors import ClockLapsed, ProcessGone, StepHangs
from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.state import Button, GamepadState
from tests.controller.clock.conftest import PATIENCE_S, Talker, clock_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

SDL = "-l:libSDL2-2.0.so.0"
TICKS = [tick * 10**9 // 60 for tick in range(200)]


@pytest.fixture
def page() -> Iterator[ClockPage]:
    made = ClockPage.create(lockstep=True, seed=1, digest=True)
    yield made
    made.close()
    made.unlink()


def unseen(environment: dict[str, str], display: PrivateDisplay) -> dict[str, str]:
    return {**environment, "DISPLAY": display.name, "SDL_VIDEODRIVER": "x11"}


@pytest.fixture
def frames(
    compiled: Callable[..., Path], page: ClockPage, display: PrivateDisplay
) -> Iterator[Talker]:
    """``frames.c`` at its first picture, with a pad on ``pad``."""
    child = Talker([str(compiled("frames", SDL))], unseen(clock_environment(page), display))
    page.wait_ready()
    yield child
    child.close()


def run_traps(program: Path, display: PrivateDisplay, pauses: float) -> list[list[str]]:
    """What the traps print, with pauses of up to so many seconds before a fifth of the steps."""
    chance = random.Random()
    page = ClockPage.create(lockstep=True, seed=1)
    talker = Talker([str(program)], unseen(clock_environment(page), display))
    lines: list[list[str]] = []
    try:
        page.wait_ready(alive=lambda: talker.process.poll() is None)
        with pytest.raises(ProcessGone):
            while True:
                if chance.random() < 0.2:
                    time.sleep(chance.random() * pauses)
                page.step(alive=lambda: talker.process.poll() is None)
        assert talker.process.wait() == 0
        lines = [line.split() for line in talker.rest()]
    finally:
        talker.close()
        page.close()
        page.unlink()
    return lines


def test_the_traps(compiled: Callable[..., Path], display: PrivateDisplay) -> None:
    """Calibration, busy and yield loops, limiters, loaders, joins, timed waits, timers: a game
    that has one of them plays another game each time, or none at all."""
    program = compiled("traps", SDL, "-lpthread")
    first = run_traps(program, display, 0)
    assert first[-1][0] == "end"
    busy = threading.Event()
    load = threading.Thread(target=_keep_busy, args=(busy,))
    load.start()
    try:
        assert run_traps(program, display, 0.1) == first
    finally:
        busy.set()
        load.join()
    rows: dict[str, list[list[str]]] = {}
    for name, group in itertools.groupby(first, lambda row: row[0]):
        rows.setdefault(name, list(group))
    assert rows["loader"][0][-6] == "1", "the loader takes no time of the game's"
    assert rows["join"][0][-6] == "100000", "ten sleeps of 10 ms"
    moments = [int(row[-7]) for row in rows["free"]]
    assert {after - before for before, after in itertools.pairwise(moments)} <= {16666, 16667}
    begun = int(rows["join"][0][-7])
    for row in rows["free"] + rows["limiter"] + rows["busy"]:
        assert int(row[-5]) == (int(row[-7]) - begun + 1) // 10000, f"a sleeper of 10 ms: {row}"
        assert int(row[-4]) == (int(row[-7]) - begun + 1) // 15000, f"a wait of 15 ms: {row}"
        assert int(row[-1]) == (int(row[-7]) - begun + 1) // 11000, f"a semaphore, 11 ms: {row}"


def _keep_busy(over: threading.Event) -> None:
    while not over.is_set():
        sum(range(100000))


def test_a_step_is_one_frame(frames: Talker, page: ClockPage) -> None:
    """A step of two frames is one in which the policy saw nothing."""
    start = frames.hear()
    for step in range(1, 100):
        status = page.step()
        frame, at, *_ = frames.hear()
        assert (frame, status.steps, status.pictures) == (step, step, step + 1)
        assert at - start[1] == TICKS[step]
        assert status.at_gate
    assert frames.silent(0.2), "it goes on without being asked to"


def test_several_steps_and_long_ones(frames: Talker, page: ClockPage) -> None:
    """A start screen is passed faster with steps of 4/60 s, and no time is lost or won."""
    start = frames.hear()
    assert page.step(5).steps == 5
    assert page.step(2, multiplier=4).steps == 7
    assert page.step().steps == 8
    moments = [frames.hear()[1] - start[1] for _ in range(8)]
    assert moments == [TICKS[tick] for tick in (1, 2, 3, 4, 5, 9, 13, 14)]


def test_digests_tell_pictures_apart(frames: Talker, page: ClockPage) -> None:
    """Equal digests of unlike pictures would call any two runs the same."""
    found = [page.step().digest for _ in range(40)]
    assert 0 not in found
    assert len(set(found)) == 40


def test_free_and_back(frames: Talker, page: ClockPage) -> None:
    """An episode that is over may be watched, and one that is watched may be stepped."""
    for _ in range(20):
        before = page.status().pictures
        page.run()
        while page.status().pictures < before + 3:
            frames.hear()
        page.lockstep()
        page.wait_ready()
        before = page.status().pictures
        assert page.step(3).pictures == before + 3


def test_the_pad_is_taken_at_the_gate(
    compiled: Callable[..., Path], page: ClockPage, display: PrivateDisplay
) -> None:
    """A press that is seen in the middle of a step is seen at another moment each time."""
    pad = PadPage.create()
    environment = unseen({**clock_environment(page), **launch_environment(pad)}, display)
    talker = Talker([str(compiled("frames", SDL))], environment)
    over = threading.Event()

    def fidget() -> None:
        other = PadPage.open(pad.path)
        for buttons in itertools.cycle((Button.A, Button.B, Button.X, Button.Y)):
            other.write(GamepadState(buttons=buttons))
            if over.is_set():
                break
        other.close()

    thread = threading.Thread(target=fidget)
    try:
        page.wait_ready()
        talker.hear()
        for step in range(30):
            pad.write(GamepadState(buttons=Button.A if step % 3 == 0 else Button(0)))
            page.step()
            assert talker.hear()[2:] == [step % 3 == 0] * 2, "a press at step n is seen in frame n"
        thread.start()
        for _ in range(200):
            page.step()
            _, _, first, last = talker.hear()
            assert first == last
        over.set()
        thread.join()
        pad.write(GamepadState(buttons=Button.A), lasts=600)
        page.step()
        assert talker.hear()[2:] == [1, 1]
        pad.renew(-1)
        page.step()
        assert talker.hear()[2:] == [0, 0], "what has expired has, by the true clock"
    finally:
        over.set()
        if thread.ident:
            thread.join()
        talker.close()
        pad.close()
        pad.unlink()


def test_a_step_that_hangs(
    compiled: Callable[..., Path], page: ClockPage, display: PrivateDisplay
) -> None:
    """Drivers loop for ever in rare cases: who waits must be told which thread it is."""
    talker = Talker(
        [str(compiled("frames", SDL)), "hang"], unseen(clock_environment(page), display)
    )
    try:
        page.step(10)
        with pytest.raises(StepHangs, match=r"main thread \d+ \(frames\S*\) runs"):
            page.step(timeout=0.5)
        talker.process.kill()
        talker.process.wait()
        with pytest.raises(ProcessGone):
            page.step()
    finally:
        talker.close()


def test_a_game_without_a_picture(page: ClockPage, compiled: Callable[..., Path]) -> None:
    """Nobody must wait for a game that the gate does not reach, without being told so."""
    talker = Talker([str(compiled("waits", "-lpthread", "-ldl"))], clock_environment(page))
    try:
        assert talker.ask("nanosleep 100000")[0] == 100, "loading costs no time"
        with pytest.raises(StepHangs, match="no picture passed the gate"):
            page.wait_ready(0.3)
    finally:
        talker.close()


def test_a_static_program(page: ClockPage, compiled: Callable[..., Path]) -> None:
    """A static or Go program has nothing that could be preloaded: say so."""
    talker = Talker([str(compiled("waits", "-static"))], clock_environment(page))
    try:
        assert abs(talker.ask("read 0")[0] - time.monotonic()) < 60
        assert "never entered" in page.status().problem
    finally:
        talker.close()


def test_a_library_bound_deeply(page: ClockPage, compiled: Callable[..., Path]) -> None:
    """A plugin that finds the C library before ours goes by the true clock: say so."""
    library = compiled("deep", "-shared", "-fPIC")
    code = (
        "import ctypes, os, time\n"
        f"deep = ctypes.CDLL({str(library)!r}, mode=os.RTLD_LAZY | {{}}).deep_now\n"
        "deep.restype = ctypes.c_double\n"
        "print(deep(), time.monotonic())\n"
    )
    read = {}
    for how in ("0", "os.RTLD_DEEPBIND"):
        assert page.status().doubt == ""
        command = [sys.executable, "-c", code.format(how)]
        environment = clock_environment(page)
        read[how] = [
            float(word) for word in subprocess.check_output(command, env=environment).split()
        ]
    assert read["0"][0] == read["0"][1], "in lockstep time stands"
    own, game = read["os.RTLD_DEEPBIND"]
    assert abs(own - time.monotonic()) < 60
    assert abs(own - game) > 60, "a seeded game's clock begins at 1000 s"
    assert "RTLD_DEEPBIND" in page.status().doubt


def test_nobody_stands_at_the_gate_for_ever(frames: Talker, page: ClockPage) -> None:
    """Whoever stepped the game has died; the game is somebody's, and goes on."""
    page.step(3)
    page.lease(0.2)
    seen, until = page.status().pictures, time.monotonic() + PATIENCE_S
    while page.status().pictures < seen + 5:
        assert time.monotonic() < until, "it stands at the gate for ever"
        time.sleep(0.02)
    assert page.status().lapses == 1
    with pytest.raises(ClockLapsed):
        page.step()
    page.lease(None)
    page.lockstep()
    page.wait_ready()
    assert page.step().at_gate


def test_a_stopped_game_steps_on(frames: Talker, page: ClockPage) -> None:
    """Another program stops it: it must not lose its place, nor win a step."""
    start = frames.hear()
    os.kill(frames.process.pid, 19)
    time.sleep(0.2)
    os.kill(frames.process.pid, 18)
    page.step()
    assert frames.hear()[1] - start[1] == TICKS[1]
