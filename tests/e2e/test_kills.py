"""The daemon dies at random moments: the game must run again, and every recording must open.

Continuous integration runs a few rounds each time; ``make kills`` runs 200 (``KILLS`` sets
another number) and prints how long the game needed.  ``SEED`` repeats a run.

``kill -9`` and SIGTERM hit the daemon only, and its watchdog lets the game go.  A power cut
takes the daemon, its watchdog and the game at one blow: what counts then is the disk.
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import TYPE_CHECKING

import av
import psutil
import pyarrow.parquet as pq
import pytest

from nitropilot.agent.record.mend import recover
from tests.server.conftest import needs_preload
from tests.server.processes import POLICY, Daemon, left_running, running_game, until

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

pytestmark = [
    pytest.mark.game,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]
ROUNDS = int(os.environ.get("KILLS") or 6)
SEED = int(os.environ.get("SEED") or time.time())
LONGEST_S = 4.0
"""After so long at most the blow falls, counted from the request for a session."""
HOWS = ("kill -9", "SIGTERM", "power cut")


def strike(daemon: Daemon, game: RunningGame, how: str) -> None:
    """End the daemon in one of the three ways."""
    if how == "SIGTERM":
        daemon.process.terminate()
    elif how == "kill -9":
        daemon.process.kill()
    else:
        doomed = [*left_running(daemon.home), psutil.Process(game.pid)]
        for process in doomed:
            process.suspend()  # none of them sees another one die
        for process in doomed:
            process.kill()


def let_go(game: RunningGame, began: float) -> float:
    """Seconds from ``began`` until the game runs with a neutral pad."""
    process = psutil.Process(game.pid)
    until(lambda: process.status() != psutil.STATUS_STOPPED, "a running game")
    until(game.pad_is_neutral, "a neutral pad")
    seconds = time.perf_counter() - began
    until(game.runs, "a game that reads its pad")
    return seconds


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
def test_a_blow_at_a_random_moment(number: int, tmp_path: Path, x_display: PrivateDisplay) -> None:
    """Attaching, thinking, frozen, pressing, writing a frame: no moment is a bad one."""
    needs_preload()
    chance = random.Random(f"{SEED} {number}")
    how, mode = HOWS[number % len(HOWS)], chance.choice(["paused", "realtime"])
    moment = chance.uniform(0.0, LONGEST_S)
    options = ("--policy", POLICY, "--engine", "torch")
    with running_game(x_display.name) as game:
        daemon = Daemon(tmp_path, x_display.name, *options)
        try:
            daemon.create(pid=game.pid, mode=mode, record=True, seed=number)
            time.sleep(moment)
            began = time.perf_counter()
            strike(daemon, game, how)
            seconds = 0.0 if how == "power cut" else let_go(game, began)
            daemon.process.wait()
            until(lambda: not left_running(tmp_path), "the watchdog to end")
        finally:
            daemon.client.close()
            daemon.kill()
    frames = check_recordings(tmp_path / "data" / "recordings")
    print(
        f"\n{how} after {moment:.2f} s in {mode} mode (SEED={SEED}): "
        f"let go in {seconds * 1e3:.0f} ms, {frames} frames recorded"
    )
