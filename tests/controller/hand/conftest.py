"""A game that counts, its page, and daemons that hold it."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if sys.platform == "win32":
    pytest.skip("stops processes with POSIX signals", allow_module_level=True)

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.ledger import places
from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pads.sdl_pad import launch_environment
from tests.controller.clock.conftest import Talker, clock_environment
from tests.controller.clock.conftest import compiled as compiled
from tests.controller.pausing.ticking import TickingGame, wait_for
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

CELLS, EXPIRES = struct.Struct("=" + "Ihh" * 4), struct.Struct("=Q")
REST = (0, 0, 0, 0, -32768, -32768, 0, 0)


def pressed(page: Path) -> bool:
    """Whether the game reads anything pressed on its page, as the preloaded library reads it."""
    content = page.read_bytes()
    cells = CELLS.unpack_from(content, 64)
    values = tuple(value for place, value in enumerate(cells) if place % 3)
    return values != REST and time.monotonic_ns() <= EXPIRES.unpack_from(content, 96)[0]


class HeldGame:
    """A tree of processes that count, the page of its pad, and a ledger of its own."""

    def __init__(self, folder: Path, parents: tuple[int, ...] = (0, 0, 1, 1)) -> None:
        self.page = PadPage.create()
        self.game = TickingGame(folder, parents)
        self.pid = self.game.pid
        self.ledger = folder / "ledger"

    def pressed(self) -> bool:
        """Whether it reads anything pressed."""
        return pressed(self.page.path)

    def close(self) -> None:
        """End it."""
        self.game.close()
        self.page.close()
        self.page.unlink()


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldGame]:
    """One that nobody holds yet."""
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "ledger"))
    game = HeldGame(tmp_path)
    yield game
    game.close()


class StandIn:
    """A real process that holds a game; see ``tests.controller.hand.daemon``."""

    def __init__(
        self, held: HeldGame, what: str, end: str = "wait", stderr: int = subprocess.PIPE
    ) -> None:
        words = [str(held.pid), str(held.page.path), what, end]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.controller.hand.daemon", *words],
            stdout=subprocess.PIPE, stderr=stderr, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        answer = self.process.stdout.readline().split()
        assert answer, self.process.communicate()[1].decode()
        hand, *self.children = map(int, answer)
        self.hand = psutil.Process(hand)
        if what != "frozen":
            wait_for(held.pressed, "a pressed pad")

    def close(self) -> None:
        """End it with all that it started."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        with suppress(psutil.Error):
            self.hand.resume()  # one that a test has stopped holds the daemon's stderr
        self.process.communicate()
        for _ in range(1000):
            if not self.hand.is_running():
                break
            time.sleep(0.01)


@pytest.fixture
def daemon(held: HeldGame) -> Iterator[Callable[..., StandIn]]:
    """Starts daemons that hold the game."""
    started: list[StandIn] = []

    def start(what: str, **options: Any) -> StandIn:
        started.append(StandIn(held, what, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


class Frames:
    """``frames.c`` with a pad and a clock of ours, in lockstep from its first picture on."""

    def __init__(self, program: Path, display: PrivateDisplay, *words: str) -> None:
        self.page = PadPage.create()
        self.clock = ClockPage.create(lockstep=True, seed=1)
        environment = {**clock_environment(self.clock), **launch_environment(self.page)}
        environment |= {"DISPLAY": display.name, "SDL_VIDEODRIVER": "x11"}
        self.talker = Talker([str(program), *words], environment)
        self.pid = self.talker.process.pid

    def hear(self) -> tuple[int, bool]:
        """The next frame: its number, and whether the game saw the button pressed in it."""
        frame, _, first, last = self.talker.hear()
        return int(frame), bool(first or last)

    def pressed(self) -> bool:
        """Whether it reads anything pressed."""
        return pressed(self.page.path)

    def close(self) -> None:
        """End it."""
        self.talker.close()
        for page in (self.page, self.clock):
            page.close()
            page.unlink()


@pytest.fixture
def start_frames(
    compiled: Callable[..., Path],
    display: PrivateDisplay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Frames]]:
    """Starts ``frames.c`` with these words; nobody holds it yet."""
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "ledger"))
    started: list[Frames] = []

    def start(*words: str) -> Frames:
        started.append(Frames(compiled("frames", "-l:libSDL2-2.0.so.0"), display, *words))
        return started[-1]

    yield start
    for one in started:
        one.close()


class Asker:
    """A real process that lets a game go on by so much at once: see ``hand.asker``."""

    def __init__(self, pid: int, page: Path, clock: Path, way: str, lease: float) -> None:
        words = [str(pid), str(page), str(clock), way, str(lease)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.controller.hand.asker", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.hand = psutil.Process(int(self.process.stdout.readline()))

    def ask(self) -> str:
        """Let it ask for 1/60 s; what it is answered."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        """End it, and wait for its hand's end."""
        self.process.kill()
        self.process.communicate()
        wait_for(lambda: not self.hand.is_running(), "the hand to end")


@pytest.fixture
def asker() -> Iterator[Callable[..., Asker]]:
    """Starts processes that step a game: its id, pages, way and lease."""
    started: list[Asker] = []

    def start(*facts: Any) -> Asker:
        started.append(Asker(*facts))
        return started[-1]

    yield start
    for one in started:
        one.close()
