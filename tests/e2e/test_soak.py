"""Hours of use, as far as minutes can stand for them: ``make soak`` (``MINUTES`` of it, or 10).

One session plays all the time.  Beside it everything else a day brings happens over and over:
sessions that come and go, recordings, clients of the events, pictures, tokens, settings.
After each round the daemon's memory, descriptors and threads are counted, and how late the
long session's actions were; ``tests.e2e.growth`` judges what grows.
"""

from __future__ import annotations

import io
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from PIL import Image

from nitropilot.agent.play.stats import percentile
from tests.e2e.growth import FEWEST_ROUNDS, Look, memory_slope, verdict
from tests.server.conftest import needs_preload
from tests.server.events.listening import Listener
from tests.server.processes import POLICY, Daemon, running_game, until

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

MINUTES = float(os.environ.get("SOAK_MINUTES") or 10)
MIB = 2**20
FRANK_HEAP = {
    "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_MMAP_THRESHOLD_": "65536",
}  # fmt: skip
"""glibc gives back at once what is freed.  By default the daemon's dozen threads each keep some
for later, 70 MiB in all and in jumps of ten, beside which 100 MiB an hour are not to be seen."""

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(sys.platform == "win32", reason="the preloaded pad is for Linux"),
]


class Day:
    """A daemon with one session that plays on, and the rounds of everything else.

    Args:
        daemon: The daemon.
        long: Id of the session that plays all the time.
        other: Process of the game that sessions come to and go from.
    """

    def __init__(self, daemon: Daemon, long: str, other: int) -> None:
        self.daemon = daemon
        self.long = long
        self.other = other
        self.process = psutil.Process(daemon.process.pid)
        self.looks: list[Look] = []

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """An answer that is no error."""
        answer = self.daemon.client.request(method, f"/api/v1{path}", **options)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else None

    def round(self, number: int) -> None:
        """Everything once, then look."""
        with Listener(self.daemon) as listener:
            listener.identify(events=["pad"], session=self.long)
            self._record()
            self._guest(("paused", "realtime")[number % 2])
            self._small_things(number)
            late = self._lateness(listener)
        until(lambda: self._sessions() == 1, "the guest's end")
        time.sleep(1)  # connections and threads of it end too
        with self.process.oneshot():
            look = Look(
                seconds=time.monotonic(),
                memory_mib=self.process.memory_info().rss / MIB,
                descriptors=self.process.num_fds(),
                threads=self.process.num_threads(),
                late_p99_ms=percentile(late, 99) or 0.0,
            )
        self.looks.append(look)

    def _record(self) -> None:
        for enabled in (True, False):
            self.ask("POST", f"/sessions/{self.long}/recording", json={"enabled": enabled})
            time.sleep(2 if enabled else 0)
        for recording in self.ask("GET", "/recordings")["recordings"]:
            self.ask("GET", f"/recordings/{recording['id']}")
            self.ask("DELETE", f"/recordings/{recording['id']}")

    def _guest(self, mode: str) -> None:
        guest = self.daemon.playing(pid=self.other, mode=mode, record=True)["id"]
        self.ask("POST", f"/sessions/{guest}/autoplay/toggle")
        self.ask("POST", f"/sessions/{guest}/step")
        self.ask("PUT", f"/sessions/{guest}/guard", json={"controls": ["a", "left_stick"]})
        self.ask("POST", f"/sessions/{guest}/resume")
        self.ask("GET", f"/sessions/{guest}/frame")
        self.ask("DELETE", f"/sessions/{guest}")

    def _small_things(self, number: int) -> None:
        made = self.ask("POST", "/tokens", json={"name": f"round {number}", "scope": "overlay"})
        with Listener(self.daemon) as listener:
            listener.identify(made["secret"])
            self.ask("DELETE", f"/tokens/{made['token']['id']}")
            assert listener.end() == 4008
        self.ask("PATCH", "/settings", json={"play": {"action_hz": 30 + number % 2 * 30}})
        for window in self.ask("GET", "/windows"):
            self.ask("GET", f"/windows/{window['handle']}/thumbnail")
        picture = io.BytesIO()
        Image.new("RGB", (320, 240), (number % 256, 0, 0)).save(picture, "png")
        self.ask(
            "POST", "/predict", content=picture.getvalue(), headers={"Content-Type": "image/png"}
        )
        for path in ("/status", "/sessions", "/engines", "/policies"):
            self.ask("GET", path)
        self.ask("POST", "/doctor")
        assert self.daemon.client.get("/metrics").is_success

    def _lateness(self, listener: Listener) -> list[float]:
        """Of the long session's actions since the last look."""
        late: list[float] = []

        def collect(message: dict[str, Any]) -> str:
            if message["type"] == "pad" and message["late_ms"] is not None:
                late.append(message["late_ms"])
            return str(message["type"])

        listener.until(lambda message: bool(collect(message) == "pad" and late))
        listener.say("subscribe", events=["stats"])
        listener.until(lambda message: collect(message) == "stats")
        return late

    def _sessions(self) -> int:
        return sum(session["end"] is None for session in self.ask("GET", "/sessions"))


@pytest.mark.slow
@pytest.mark.timeout(MINUTES * 60 * 3 + 900)
def test_nothing_grows(
    tmp_path: Path, x_display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leaks a little in ten minutes ends a stream in the evening."""
    needs_preload()
    for name, value in FRANK_HEAP.items():
        monkeypatch.setenv(name, value)
    options = ("--policy", POLICY, "--engine", "torch")
    with running_game(x_display.name) as game, running_game(x_display.name) as other:
        daemon = Daemon(tmp_path, x_display.name, *options)
        try:
            long = daemon.playing(pid=game.pid, mode="realtime")["id"]
            day = Day(daemon, long, other.pid)
            end = time.monotonic() + MINUTES * 60
            rounds = 0
            while time.monotonic() < end or rounds < FEWEST_ROUNDS:
                day.round(rounds)
                rounds += 1
                print(rounds, day.looks[-1])
            assert daemon.session(long)["state"] == "playing"
            assert "Traceback" not in daemon.output()
        finally:
            daemon.client.close()
            daemon.kill()
    print(f"{rounds} rounds; memory grows by {memory_slope(day.looks):.0f} MiB an hour")
    assert verdict(day.looks) == {}
