"""Whatever dies or stands still, at random moments: neutral pad, running game, whole recordings.

``make kills`` runs 200 rounds (``KILLS`` sets another number), continuous integration a few each
time; ``SEED`` repeats a run.  Half of the rounds in paused mode strike while the game is frozen:
the engine is held until then.  What each way took is printed at the end, beside its bar; no test
fails by a time, a busy machine has its own.
"""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import av
import psutil
import pyarrow.parquet as pq
import pytest

from nitropilot.agent.record.mend import recover
from nitropilot.controller.processes import LAUNCH_VARIABLE, State, state
from tests.server.conftest import needs_preload
from tests.server.processes import (
    POLICY,
    Daemon,
    command,
    environment,
    left_running,
    page_is_neutral,
    page_of,
    running_game,
    stopped,
    until,
)
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame
    from tests.support import warm

if sys.platform == "win32":
    pytest.skip("POSIX signals", allow_module_level=True)

pytestmark = [pytest.mark.game, pytest.mark.slow]
ROUNDS = int(os.environ.get("KILLS") or 12)
LAUNCHES = max(ROUNDS // 4, 4)
"""Each way at least once: a command and a daemon, with its hand and without."""
SEED = int(os.environ.get("SEED") or time.time())
LONGEST_S = 4.0
"""After so long at most the blow falls, counted from the request for a session."""
BARS = {
    "daemon killed": (100, 1000), "daemon told to end": (None, None),
    "daemon stopped": (300, 2200), "hand killed": (100, 1000), "hand stopped": (100, 2200),
    "both killed": (100, None), "display stopped": (300, 2200), "power cut": (None, None),
}  # fmt: skip
"""Milliseconds until the pad is neutral, and until the game runs; the next command is not timed."""
HOWS = tuple(BARS)
HELD = """
import pathlib, sys, time
if {{"serve", "play"}} & set(sys.orig_argv):
    from nitropilot.engines.pytorch import engine
    real = engine.TorchEngine.infer_batch
    def infer_batch(self, requests):
        while pathlib.Path({flag!r}).exists():
            time.sleep(0.002)
        return real(self, requests)
    engine.TorchEngine.infer_batch = infer_batch
"""


@pytest.fixture(scope="module")
def took() -> Iterator[dict[str, list[tuple[float, float]]]]:
    """What each way took, printed when all is done."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    yield found
    print(f"\n{'way':20} rounds  neutral ms: max (bar)   runs ms: max (bar)   SEED={SEED}")
    for how, times in sorted(found.items()):
        neutral, runs = (max(column) * 1e3 for column in zip(*times, strict=True))
        bars = BARS[how.removesuffix(", frozen")]
        print(f"{how:20} {len(times):6}  {neutral:7.0f} ({bars[0]})  {runs:7.0f} ({bars[1]})")


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file: while it exists no daemon computes a chunk."""
    code = tmp_path / "code"
    code.mkdir()
    flag = tmp_path / "held"
    (code / "sitecustomize.py").write_text(HELD.format(flag=str(flag)))
    monkeypatch.setenv("PYTHONPATH", f"{code}{os.pathsep}{ROOT}")
    return flag


def hands_of(home: Path) -> list[psutil.Process]:
    """The hands that commands with this home have started."""
    return [one for one in left_running(home) if any("hand.main" in w for w in one.cmdline())]


def strike(how: str, daemon: Daemon, game: RunningGame, server: psutil.Process) -> None:
    """Kill or stop, in one of the ways."""
    main, hands = psutil.Process(daemon.process.pid), hands_of(daemon.home)
    doomed = {
        "both killed": [main, *hands], "power cut": [main, *hands, psutil.Process(game.pid)],
        "hand killed": hands, "daemon killed": [main],
    }.get(how, [])  # fmt: skip
    for process in doomed:
        process.suspend()  # none of them sees another one die
    for process in doomed:
        process.kill()
    if how == "daemon told to end":
        main.terminate()
    for process in {
        "daemon stopped": [main],
        "hand stopped": hands,
        "display stopped": [server],
    }.get(how, []):
        process.suspend()


def let_go(game: RunningGame, began: float) -> tuple[float, float]:
    """Seconds until the pad is neutral, and until the game is not stopped."""
    neutral = runs = None
    while neutral is None or runs is None:
        now = time.perf_counter() - began
        assert now < 120, "the game was not let go"
        if neutral is None and game.pad_is_neutral():
            neutral = now
        if runs is None and not stopped(game.pid):
            runs = now
        time.sleep(0.001)
    return neutral, runs


def check_recordings(root: Path) -> int:
    """Mend what was left, open everything, and return how many frames there are."""
    recover(root)
    frames = 0
    for folder in root.iterdir() if root.is_dir() else ():
        assert folder.suffix != ".part", f"{folder.name} was not mended"
        with av.open(str(folder / "video.mp4")) as video:
            shown = sum(1 for _ in video.decode(video=0))
        rows = sum(pq.read_table(path).num_rows for path in folder.rglob("actions_raw.parquet"))
        assert shown == rows > 0, folder.name
        frames += shown
    return frames


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_blow_at_a_random_moment(
    number: int,
    tmp_path: Path,
    held: Path,
    took: dict[str, list[tuple[float, float]]],
    private: PrivateDisplay,
) -> None:
    """Attaching, thinking, frozen, pressing, writing a frame: no moment is a bad one."""
    needs_preload()
    chance = random.Random(f"{SEED} {number}")
    how = HOWS[number % len(HOWS)]
    # A display that stands still is met by the next freeze, not by one whose picture is there.
    frozen = number // len(HOWS) % 2 == 0 and how != "display stopped"
    mode = "paused" if frozen else chance.choice(["paused", "realtime"])
    server, ledger = psutil.Process(private.process.pid), tmp_path / "ledger"
    with running_game(private.name) as game:
        daemon = Daemon(tmp_path, private.name, "--policy", POLICY, "--engine", "torch")
        try:
            session = daemon.create(pid=game.pid, mode=mode, record=True, seed=number)
            if frozen:
                daemon.wait_for(session["id"], "playing")
                until(lambda: not game.pad_is_neutral(), "a press")
                held.touch()
                until(lambda: stopped(game.pid), "a frozen game")
            else:
                time.sleep(chance.uniform(0.0, LONGEST_S))
            began = time.perf_counter()
            strike(how, daemon, game, server)
            if how == "both killed":
                until(game.pad_is_neutral, "a neutral pad")
                neutral = time.perf_counter() - began
                assert stopped(game.pid) or not frozen
                command("release", home=tmp_path)
                took[how].append((neutral, 0.0))
                let_go(game, began)
            elif how != "power cut":
                took[how + (", frozen" if frozen else "")].append(let_go(game, began))
            held.unlink(missing_ok=True)
            server.resume()
            if how != "power cut":
                until(game.runs, "a game that reads its pad")
            if how == "hand killed":
                until(lambda: not list(ledger.glob("*")), "the daemon to undo what the hand held")
            daemon.process.kill()
            daemon.process.wait()
            until(lambda: not left_running(tmp_path), "the hand to end")
        finally:
            held.unlink(missing_ok=True)
            server.resume()
            daemon.client.close()
            daemon.kill()
    assert not list(ledger.glob("*")) or how in ("power cut", "both killed")
    check_recordings(tmp_path / "data" / "recordings")


@pytest.fixture(scope="module")
def private() -> Iterator[PrivateDisplay]:
    """An X server that may be stopped."""
    from nitropilot.agent.target.display import PrivateDisplay

    display = PrivateDisplay.start((800, 600))
    yield display
    display.close()


def launched(home: Path) -> list[psutil.Process]:
    """What commands with this home have launched."""
    found = []
    for one in left_running(home):
        with suppress(psutil.NoSuchProcess):  # it ends while it is looked at
            if one.environ().get(LAUNCH_VARIABLE):
                found.append(one)
    return found


def start_play(home: Path) -> warm.Process:
    """A command that launches a game on a display of its own."""
    arguments = ("play", "--launch", "runner", "--headless", "--policy", POLICY, "--engine",
                 "torch", "--out", str(home / "out"))  # fmt: skip
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "nitropilot", *arguments], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(home, None),
        )  # fmt: skip


def start_daemon(home: Path) -> warm.Process:
    """A daemon that does the same."""
    daemon = Daemon(home, None, "--policy", POLICY, "--engine", "torch")
    try:
        daemon.create(launch="runner", headless=True)
    except BaseException:
        daemon.kill()
        raise
    finally:
        daemon.client.close()
    return daemon.process


@pytest.mark.parametrize("number", range(LAUNCHES))
def test_nothing_is_left_of_a_launch(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Game, display, profile and page: gone once the next command has run."""
    needs_preload()
    chance = random.Random(f"{SEED} launch {number}")
    temporary, pages = tmp_path / "tmp", tmp_path / "run"
    for name, folder in {"TMPDIR": temporary, "XDG_RUNTIME_DIR": pages}.items():
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    owner = (start_daemon if number % 2 else start_play)(tmp_path)
    until(lambda: launched(tmp_path) or owner.poll() is not None, "a launch")
    time.sleep(chance.uniform(0.0, LONGEST_S))
    with_hand = number // 2 % 2
    doomed = [psutil.Process(owner.pid), *(hands_of(tmp_path) if with_hand else [])]
    for process in doomed:
        process.suspend()
    for process in doomed:
        process.kill()
    owner.wait()
    until(lambda: not hands_of(tmp_path), "the hand to end")
    done = command("release", home=tmp_path)
    assert done.returncode == 0, done.stderr
    left = [one for one in left_running(tmp_path) if state(one) is not State.GONE]
    assert not left, left
    assert not list(temporary.glob("nitropilot-*")), list(temporary.iterdir())
    assert not list(pages.rglob("nitropilot-pad-*"))
    assert not list((tmp_path / "ledger").iterdir())


def test_a_stopped_terminal(tmp_path: Path) -> None:
    """A real Ctrl-Z, in a real terminal, of a job of a shell."""
    needs_preload()
    words = [sys.executable, "-m", "nitropilot", "play", "--launch", "runner", "--headless",
             "--policy", POLICY, "--engine", "torch", "--out", str(tmp_path / "out")]  # fmt: skip
    shell, terminal = os.forkpty()
    if shell == 0:
        job = f"{shlex.join(words)}; sleep 600"
        os.execve("/bin/bash", ["bash", "-mc", job], environment(tmp_path, None))
    try:
        game = until(lambda: next(iter(games_of(tmp_path)), None), "a game")
        page = page_of(game.pid)
        until(lambda: not page_is_neutral(page), "a press")
        (play,) = [p for p in left_running(tmp_path) if "play" in p.cmdline() and p.ppid() == shell]
        os.write(terminal, b"\x1a")
        until(lambda: stopped(play.pid), "the stop")
        until(lambda: page_is_neutral(page) and not stopped(game.pid), "a game that was let go")
        time.sleep(0.5)
        assert page_is_neutral(page), "for as long as the stop lasts"
        play.resume()
        until(lambda: not page_is_neutral(page), "a press again")
        play.kill()
        until(lambda: not hands_of(tmp_path), "the hand to end")
    finally:
        for process in left_running(tmp_path):
            process.kill()
        os.waitpid(shell, 0)
        os.close(terminal)


def games_of(home: Path) -> list[psutil.Process]:
    """The built-in games that commands with this home have launched."""
    return [one for one in launched(home) if any("arcade" in word for word in one.cmdline())]
