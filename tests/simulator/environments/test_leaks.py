"""A game that takes more and more is told from one that does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.simulator.environments import leaks
from nitropilot.simulator.environments.leaks import MORE_DESCRIPTORS, LeakWatch, taken

if TYPE_CHECKING:
    from collections.abc import Callable

    Take = Callable[[str], None]

MIB = 2**20
TAKES = """
import os, resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
kept = []
for line in sys.stdin:
    what, much = line.split()
    kept += [b"x" * int(much)] if what == "memory" else [os.dup(0) for _ in range(int(much))]
    print(flush=True)
"""

if sys.platform == "win32":
    pytest.skip("what it takes is counted in another way", allow_module_level=True)


@pytest.fixture
def game() -> Iterator[tuple[int, Take]]:
    """A process that takes what it is told to."""
    with subprocess.Popen(
        [sys.executable, "-c", TAKES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def take(what: str) -> None:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{what}\n")
            process.stdin.flush()
            process.stdout.readline()

        take("memory 1")
        yield process.pid, take
        process.kill()


def test_what_a_game_takes_more_and_more_of(
    game: tuple[int, Take], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what it has at first nor a little more is a leak; and nobody looks all the time."""
    pid, take = game
    total = psutil.virtual_memory().total
    monkeypatch.setattr(leaks, "MORE_MEMORY", 64 * MIB / total)
    monkeypatch.setattr(leaks, "LOOK_S", 3600.0)
    watch = LeakWatch(pid)
    take(f"memory {96 * MIB}")
    assert watch.leak() == "", "it is too soon"
    monkeypatch.setattr(leaks, "LOOK_S", 0.0)
    assert "leaks memory: it has" in watch.leak()
    watch = LeakWatch(pid)
    take(f"descriptors {MORE_DESCRIPTORS - 8}")
    assert watch.leak() == ""
    take("descriptors 16")
    assert f"{MORE_DESCRIPTORS + 8} more than at first" in watch.leak()


def test_a_game_that_has_ended_takes_nothing(game: tuple[int, Take]) -> None:
    """What became of it is found out elsewhere."""
    pid, _ = game
    psutil.Process(pid).kill()
    psutil.Process(pid).wait()
    assert (taken(pid).memory, taken(pid).descriptors) == (0, 0)
    assert LeakWatch(pid).leak() == ""
