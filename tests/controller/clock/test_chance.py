"""Chance from a seed, and a library that leaves a program alone which did not ask for it."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.children import find_program
from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.layout import CLOCK_VARIABLE, epoch
from nitropilot.controller.errors import ClockFailed, PadUnavailable
from nitropilot.controller.pads.shim_build import build_shim
from tests.controller.clock.conftest import HERE, Talker, clock_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAYS = 10


@pytest.fixture(scope="module")
def dice(tmp_path_factory: pytest.TempPathFactory, compiled: Callable[..., Path]) -> Path:
    assert compiled("waits", "-lpthread", "-ldl"), "there is a compiler, on Linux"
    compiler = find_program("c++")
    if compiler is None:
        pytest.skip("no C++ compiler for std::random_device")
    program = tmp_path_factory.mktemp("dice") / "dice"
    subprocess.run([compiler, "-O1", HERE / "dice.cc", "-o", program], check=True)
    return program


def throw(dice: Path, seed: int | None) -> list[str]:
    page = ClockPage.create(lockstep=True, seed=seed)
    try:
        return subprocess.run(
            [dice], env=clock_environment(page), check=True, capture_output=True, text=True
        ).stdout.split()
    finally:
        page.close()
        page.unlink()


def test_a_seed_decides(dice: Path) -> None:
    """An episode that is played again must be the same one, down to the milliseconds by which
    most games seed their chance."""
    first, again, other = throw(dice, 3), throw(dice, 3), throw(dice, 4)
    assert first == again
    assert not set(first) & set(other), "every way of drawing depends on the seed"
    assert len(set(first[:WAYS])) == WAYS
    assert abs(float(first[-1]) - epoch(3) / 1e9) < 60


def test_no_seed_no_change(dice: Path) -> None:
    """Whoever does not ask for it gets true chance, and the true time of day."""
    first, other = throw(dice, None), throw(dice, None)
    assert not set(first[: WAYS - 1]) & set(other[: WAYS - 1])
    assert abs(float(first[-1]) - time.time()) < 600


def test_epochs_differ_in_their_milliseconds() -> None:
    """A game that seeds by the fraction of a second must not play one and the same game."""
    moments = [epoch(seed) for seed in range(1000)]
    assert len(set(moments)) == 1000
    assert len({moment // 10**6 % 1000 for moment in moments}) > 500


def test_without_a_page_nothing_is_ours(compiled: Callable[..., Path]) -> None:
    """A library that changes time unasked harms programs that it was preloaded into by chance."""
    environment = {**os.environ, "LD_PRELOAD": str(build_shim())}
    environment.pop(CLOCK_VARIABLE, None)
    talker = Talker([str(compiled("waits", "-lpthread", "-ldl"))], environment)
    try:
        before = time.monotonic()
        monotonic, *_, day, _, _, _, _, _ = talker.ask("read 0")
        assert before <= monotonic <= time.monotonic()
        assert abs(day - time.time()) < 60
        for way in ("nanosleep", "poll", "cond_timedwait", "sem_timedwait", "timerfd", "futex"):
            assert talker.ask(f"{way} 10")[0] >= 0.0099
    finally:
        talker.close()


@pytest.mark.parametrize("content", [b"", b"NITROCLK\x63".ljust(4096, b"\0"), b"x" * 4096])
def test_a_page_that_is_none(content: bytes, compiled: Callable[..., Path], tmp_path: Path) -> None:
    """Whatever the variable names, the program runs, on true time, and it is said."""
    path = tmp_path / "page"
    path.write_bytes(content)
    path.chmod(0o600)
    program = compiled("waits", "-lpthread", "-ldl")
    environment = {**os.environ, "LD_PRELOAD": str(build_shim()), CLOCK_VARIABLE: str(path)}
    done = subprocess.run(
        [program], env=environment, input="read 0\n", capture_output=True, text=True, check=True
    )
    assert abs(float(done.stdout.split()[0]) - time.monotonic()) < 60
    assert "nitropilot: no clock" in done.stderr
    with pytest.raises((ClockFailed, PadUnavailable), match=r"is no clock page|cannot open"):
        ClockPage.open(path)


def test_children_are_on_the_same_clock(page: ClockPage) -> None:
    """A game's helpers must not see another time than the game; its starter neither."""
    page.freeze()
    read = "import os,time; a=time.monotonic(); "
    forks = "p=os.fork(); os.write(1, str(time.monotonic()==a).encode()); p and os.wait()"
    command = ["sh", "-c", f"exec python3 -c '{read}{forks}'"]
    done = subprocess.run(
        command, env=clock_environment(page), capture_output=True, text=True, check=True
    )
    assert done.stdout == "TrueTrue"
    assert page.status().processes >= 2, "the shell, and what it became"
