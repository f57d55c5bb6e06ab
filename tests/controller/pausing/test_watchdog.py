"""The game runs again whatever happens to those who froze it."""

from __future__ import annotations

import os
import platform
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nitropilot.children import module_command
from nitropilot.controller.errors import ProcessGone, WatchdogError
from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pausing import watchdog as watchdog_module
from nitropilot.controller.pausing.pauser import Pauser
from nitropilot.controller.pausing.watchdog import Watchdog
from nitropilot.controller.processes import State, state
from nitropilot.controller.state import GamepadState
from tests.controller.pausing.ticking import PRESSED, WAIT_S, TickingGame, end, reused_pid, wait_for
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if sys.platform == "win32":
    pytest.skip("stops processes with POSIX signals", allow_module_level=True)

FAMILY = (0, 0, 1, 1)
LONG = 300.0
"""A freeze limit that no test waits for."""


class Daemon:
    """A real process that has frozen ``game`` and now waits for its end."""

    def __init__(
        self, pid: int, *, limit: float = LONG, ending: str = "wait", page: Path | None = None
    ) -> None:
        words = [str(pid), str(limit), ending, *([str(page)] if page else [])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.controller.pausing.watched_daemon", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        answer = self.process.stdout.readline().split()
        assert answer, self.process.communicate()[1].decode()
        watchdog, *children = map(int, answer)
        self.watchdog = psutil.Process(watchdog)
        self.children = children

    def close(self) -> None:
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def game(tmp_path: Path) -> Iterator[TickingGame]:
    game = TickingGame(tmp_path, FAMILY)
    yield game
    game.close()


@pytest.fixture
def daemon() -> Iterator[Callable[..., Daemon]]:
    started: list[Daemon] = []

    def start(pid: int, **options: Any) -> Daemon:
        started.append(Daemon(pid, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def page() -> Iterator[PadPage]:
    page = PadPage.create()
    yield page
    page.close()
    page.unlink()


def alarmed(watchdog: Watchdog) -> bool:
    try:
        watchdog.check()
    except WatchdogError:
        return True
    return False


def gone(process: psutil.Process) -> bool:
    return state(process) is State.GONE


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"])
def test_the_game_runs_on_when_the_daemon_is_killed(
    game: TickingGame, daemon: Callable[..., Daemon], name: str
) -> None:
    """The worst of all failures is a game that hangs because its helper died."""
    frozen_by = daemon(game.pid)
    assert game.stands()
    start = time.monotonic()
    os.kill(frozen_by.process.pid, getattr(signal, name))
    game.await_ticks()
    took = time.monotonic() - start
    print(f"{name}: all of the game ran after {took * 1000:.0f} ms")
    assert took < 10
    wait_for(lambda: gone(frozen_by.watchdog), "the watchdog to end")


@pytest.mark.parametrize("ending", ["segv", "sys.exit", "os._exit"])
def test_the_game_runs_on_when_the_daemon_ends_itself(
    game: TickingGame, daemon: Callable[..., Daemon], ending: str
) -> None:
    """A crash or an exit in a corner of the code reaches no ``finally``."""
    frozen_by = daemon(game.pid, ending=ending)
    game.await_ticks()
    wait_for(lambda: gone(frozen_by.watchdog), "the watchdog to end")


def test_survives_the_death_of_the_whole_process_group(
    game: TickingGame, daemon: Callable[..., Daemon]
) -> None:
    """Shells and service managers kill groups; the watchdog must not be in ours."""
    frozen_by = daemon(game.pid)
    os.killpg(frozen_by.process.pid, signal.SIGKILL)
    game.await_ticks()
    wait_for(lambda: gone(frozen_by.watchdog), "the watchdog to end")


def test_children_of_the_daemon_do_not_hide_its_death(
    game: TickingGame, daemon: Callable[..., Daemon]
) -> None:
    """A launched game or a forked worker that holds the pipe would keep it open."""
    frozen_by = daemon(game.pid, ending="children")
    assert len(frozen_by.children) == 2
    frozen_by.process.kill()
    game.await_ticks()
    assert not any(gone(psutil.Process(pid)) for pid in frozen_by.children)


def test_the_pad_is_neutral_before_the_game_runs(
    tmp_path: Path, page: PadPage, daemon: Callable[..., Daemon]
) -> None:
    """One tick with a button that nobody holds can be a shot or a step into the abyss."""
    game = TickingGame(tmp_path, options=[f"page={page.path}"])
    try:
        daemon(game.pid, page=page.path).process.kill()
        game.await_ticks(0)
        assert game.counts()[PRESSED] == 0
        page.write(GamepadState(left=(1.0, 0.0)))
        game.await_ticks(PRESSED)
    finally:
        game.close()


def test_a_page_that_cannot_be_written_keeps_no_game_frozen(
    game: TickingGame, page: PadPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pad comes first, but its failure must not stop what comes second."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import nitropilot.controller.pads.pad_page as module\n"
        "def write(page, state): raise OSError('broken on purpose')\n"
        "module.PadPage.write = write\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{broken}{os.pathsep}{ROOT}")
    with Pauser(game.pid) as pauser:
        watchdog = Watchdog.start(game.pid, page=page.path)
        watchdog.freezing()
        pauser.freeze()
        os.kill(watchdog.pid, signal.SIGTERM)
        game.await_ticks()
        wait_for(lambda: not watchdog.alive, "the watchdog to end")
        watchdog.close()


def test_a_daemon_that_hangs_is_overruled(game: TickingGame, daemon: Callable[..., Daemon]) -> None:
    """SIGSTOP stands for a deadlock or an endless inference: alive, and of no use."""
    frozen_by = daemon(game.pid, limit=1.0)
    os.kill(frozen_by.process.pid, signal.SIGSTOP)
    game.await_ticks()
    frozen_by.process.kill()
    wait_for(lambda: gone(frozen_by.watchdog), "the watchdog to end")


def test_a_log_that_nobody_reads_does_not_end_the_guard(game: TickingGame) -> None:
    """The watchdog shares the daemon's stderr; a line that waits there for ever would leave the
    next freeze without anybody."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x")
    os.set_blocking(writing, True)
    watchdog = subprocess.Popen(
        module_command("nitropilot.controller.pausing.watchdog_main", str(game.pid), "0.1"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writing, bufsize=0,
    )  # fmt: skip
    try:
        assert watchdog.stdin is not None
        assert watchdog.stdout is not None
        watchdog.stdin.write(b"freezing\n")
        said = b""
        while said.count(b"released") < 2:
            assert select.select([watchdog.stdout], [], [], WAIT_S)[0], said
            said += watchdog.stdout.read(100)
    finally:
        watchdog.kill()
        watchdog.communicate()
        os.close(reading)
        os.close(writing)


def test_a_freeze_that_lasts_too_long_is_reported(game: TickingGame) -> None:
    """The loop must learn that the game ran without it, and must not freeze on."""
    pauser = Pauser(game.pid)
    with Watchdog.start(game.pid, freeze_limit=0.2) as watchdog:
        watchdog.check()
        watchdog.freezing()
        pauser.freeze()
        game.await_ticks()
        wait_for(lambda: alarmed(watchdog), "the report")
        for call in (watchdog.check, watchdog.freezing):
            with pytest.raises(WatchdogError, match=r"frozen for more than 0\.2 s"):
                call()
        # A daemon that wakes up in the middle of its own freeze goes on with it.
        pauser.thaw()
        pauser.freeze()
        game.await_ticks()
        assert watchdog.alive
        pauser.thaw()
        watchdog.thawed()
    assert not watchdog.alive


def test_thawed_lifts_the_limit(game: TickingGame) -> None:
    """A deadline left over from an old freeze would overrule a healthy daemon."""
    with Watchdog.start(game.pid, freeze_limit=1.0) as watchdog:
        watchdog.freezing()
        watchdog.thawed()
        time.sleep(1.5)
        watchdog.check()


def test_nobody_freezes_without_a_guard(game: TickingGame) -> None:
    """A watchdog that was killed (out of memory, task manager) guards nothing."""
    watchdog = Watchdog.start(game.pid)
    os.kill(watchdog.pid, signal.SIGKILL)
    wait_for(lambda: not watchdog.alive, "the watchdog to end")
    for call in (watchdog.freezing, watchdog.check):
        with pytest.raises(WatchdogError, match="exit status -9"):
            call()
    watchdog.thawed()
    watchdog.close()


def test_a_watchdog_that_does_not_listen_blocks_nobody(game: TickingGame) -> None:
    """A full pipe must not hang the play loop with the game frozen."""
    watchdog = Watchdog.start(game.pid)
    os.kill(watchdog.pid, signal.SIGSTOP)
    try:
        with pytest.raises(WatchdogError, match="does not listen"):
            for _ in range(100_000):
                watchdog.freezing()
    finally:
        os.kill(watchdog.pid, signal.SIGCONT)
        watchdog.close()


def test_sigterm_releases_and_ends_while_other_signals_do_nothing(game: TickingGame) -> None:
    """At shutdown the watchdog may be asked to end first; Ctrl-C is not meant for it."""
    pauser = Pauser(game.pid)
    watchdog = Watchdog.start(game.pid)
    watchdog.freezing()
    pauser.freeze()
    os.kill(watchdog.pid, signal.SIGINT)
    os.kill(watchdog.pid, signal.SIGHUP)
    assert game.stands() and watchdog.alive
    os.kill(watchdog.pid, signal.SIGTERM)
    game.await_ticks()
    wait_for(lambda: not watchdog.alive, "the watchdog to end")
    watchdog.close()
    pauser.close()


def test_goodbye_leaves_the_game_and_no_process(game: TickingGame) -> None:
    """A clean end must not wake a game that its player has stopped, nor leave a zombie."""
    watchdog = Watchdog.start(game.pid)
    process = psutil.Process(watchdog.pid)
    watchdog.freezing()
    watchdog.thawed()
    os.kill(game.pid, signal.SIGSTOP)
    watchdog.close()
    watchdog.close()
    assert not process.is_running() and not watchdog.alive
    assert game.stands(0)
    for call in (watchdog.freezing, watchdog.check):
        with pytest.raises(WatchdogError, match="dismissed"):
            call()


def test_goodbye_in_the_middle_of_a_freeze_releases(game: TickingGame) -> None:
    """Whoever forgets to thaw must not leave the game frozen."""
    pauser = Pauser(game.pid)
    with Watchdog.start(game.pid) as watchdog:
        watchdog.freezing()
        pauser.freeze()
    game.await_ticks()


def test_a_fork_cannot_dismiss_its_parents_watchdog(game: TickingGame) -> None:
    """A worker that ends tidily would take the guard away."""
    with Watchdog.start(game.pid) as watchdog:
        child = os.fork()
        if child == 0:
            try:
                watchdog.close()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        watchdog.freezing()
        watchdog.thawed()
        assert watchdog.alive


@pytest.mark.skipif(
    platform.machine() != "x86_64" or os.getuid() != 0, reason="chooses a process id as root"
)
def test_never_touches_a_reused_process_id() -> None:
    """A program that got the ended game's id may be stopped for reasons of its own."""
    old = subprocess.Popen(["sleep", "600"])
    watchdog = Watchdog.start(old.pid)
    old.kill()
    old.wait()
    helper = reused_pid(old.pid)
    try:
        os.kill(old.pid, signal.SIGSTOP)
        os.kill(watchdog.pid, signal.SIGTERM)
        wait_for(lambda: not watchdog.alive, "the watchdog to end")
        assert state(psutil.Process(old.pid)) is State.STOPPED
    finally:
        watchdog.close()
        end(helper)


def test_start_says_why_it_failed(
    game: TickingGame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session must not begin, and must say why, when its guard does not stand."""
    with pytest.raises(WatchdogError, match=r"cannot open pad page .*/absent"):
        Watchdog.start(game.pid, page=tmp_path / "absent")
    ended = subprocess.Popen(["true"])
    ended.wait()
    with pytest.raises(ProcessGone, match=f"process {ended.pid} is not running"):
        Watchdog.start(ended.pid)
    children = psutil.Process().children()
    for script, message in (("exit 7", "before it was ready"), ("exec sleep 600", "within 0.5 s")):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setattr(watchdog_module, "START_TIMEOUT_S", 0.5 if "sleep" in script else 60.0)
        monkeypatch.setattr(watchdog_module, "_END_TIMEOUT_S", 0.1)
        with pytest.raises(WatchdogError, match=message):
            Watchdog.start(game.pid)
    assert psutil.Process().children() == children


def test_a_game_that_ends_while_the_watchdog_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its id may belong to another process by the time the watchdog looks."""
    game = subprocess.Popen(["sleep", "600"])
    real = Watchdog._await_ready

    def await_ready(watchdog: Watchdog) -> None:
        real(watchdog)
        game.kill()
        game.wait()

    monkeypatch.setattr(Watchdog, "_await_ready", await_ready)
    children = psutil.Process().children()
    with pytest.raises(ProcessGone):
        Watchdog.start(game.pid)
    assert len(psutil.Process().children()) == len(children) - 1


def test_imports_little() -> None:
    """It lives beside every session; with torch it would take seconds and gigabytes."""
    code = "import sys, nitropilot.controller.pausing.watchdog_main; print(*sys.modules)"
    output = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert not {"torch", "numpy", "cv2", "vgamepad", "mss", "Xlib"} & set(output.split())
