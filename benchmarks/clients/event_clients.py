"""What clients cost the play: how late sends are with and without them.

    python -m benchmarks.clients.event_clients [--json] [--rounds 5] [--seconds 20] [--clients 50]
                                       [--requests 200] [--mode realtime] [--policy random:tiny]

Starts a daemon that plays the built-in game in a private display.  Rounds alternate between
nobody there, and ``--clients`` WebSocket clients that take every event, with ``--requests``
HTTP requests a second beside them.  The clients are another process.  Prints, in milliseconds,
how late actions reached the pad (from the session's trace) in both kinds of rounds, the median
over the rounds of each round's percentile, and their difference.

``--plain`` has as many HTTP requests but no event clients; ``--idle`` the clients but no requests;
``--hostile`` has attackers in place of both (``benchmarks.clients.hostile_clients``).

Target: the 99th percentile grows by less than 1 ms.  The clients share the machine's
processors with the daemon and the game, so on a small machine they are part of the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.clients.hostile_clients import attackers
from nitropilot.agent.play.stats import percentile
from nitropilot.agent.record.trace import read_trace
from nitropilot.agent.target.display import PrivateDisplay

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

TARGET_MS = 1.0
RANKS = (50, 90, 99)
SETTLE_S = 2.0
"""Between a change of the load and the measurement."""
Load = tuple[int, float, bool]


class Daemon:
    """A daemon that plays the built-in game."""

    def __init__(self, home: Path, display: str, options: argparse.Namespace) -> None:
        variables = os.environ | {
            "NITROPILOT_CONFIG": str(home / "config"), "NITROPILOT_DATA": str(home / "data"),
            "DISPLAY": display,
        }  # fmt: skip
        self.log = home / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nitropilot", "serve", "--port", "0", "--policy",
                 options.policy, "--engine", options.engine],
                env=variables, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        while not (found := re.search(r"listens on (http://\S+)/api", self.log.read_text())):
            if self.process.poll() is not None:
                raise SystemExit(self.log.read_text())
            time.sleep(0.1)
        self.url = found[1]
        self.token = (home / "config" / "token").read_text().strip()
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60
        )

    def play(self, options: argparse.Namespace) -> str:
        """Begin to play; the session's id."""
        body = {"launch": "runner", "headless": True, "mode": options.mode, "seed": 0}
        created = self.http.post("/api/v1/sessions", json=body).raise_for_status().json()
        while self.session(created["id"])["stats"]["actions_sent"] < 60:
            time.sleep(0.2)
        return str(created["id"])

    def session(self, session_id: str) -> dict[str, Any]:
        """The session as it is now."""
        found: dict[str, Any] = self.http.get(f"/api/v1/sessions/{session_id}").json()
        if found["end"]:
            raise SystemExit(f"the session ended: {found['end']}")
        return found

    def processor_seconds(self) -> float:
        """What the daemon has used."""
        import psutil

        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


async def listen(url: str, token: str, counts: dict[str, int]) -> None:
    """One client that takes everything and answers pings."""
    from websockets.asyncio.client import connect

    address = url.replace("http", "ws", 1) + "/api/v1/events"
    async with connect(address, compression=None, proxy=None) as socket:
        await socket.recv()
        await socket.send(json.dumps({"type": "identify", "token": token}))
        async for message in socket:
            counts["messages"] += 1
            counts["lost"] += '"lost"' in str(message)[:20]


async def request(url: str, token: str, every: float, counts: dict[str, int]) -> None:
    """Requests on one connection, ``every`` so many seconds, of a route that does real work."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"GET /api/v1/sessions HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    due = time.perf_counter()
    while True:
        writer.write(head)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        found = re.search(rb"content-length: (\d+)", answer)
        assert found
        await reader.readexactly(int(found[1]))
        counts["requests"] += 1
        due += every
        await asyncio.sleep(max(due - time.perf_counter(), 0))


CONNECTIONS = 20
"""That share the requests."""
COMING_PER_S = 50
"""Event clients that begin to listen."""


def bother(url: str, token: str, load: Load, stop: Event, counts: Any) -> None:
    """In a process of its own: all clients, until ``stop``."""
    clients, requests, hostile = load

    async def work() -> None:
        seen = {"messages": 0, "lost": 0, "requests": 0}
        tasks = []
        for _ in range(clients):  # who comes in a crowd is sent away before it says who it is
            await asyncio.sleep(1 / COMING_PER_S)
            tasks.append(asyncio.create_task(listen(url, token, seen)))
        for number in range(CONNECTIONS if requests else 0):
            await asyncio.sleep(1 / requests)
            every = CONNECTIONS / requests
            tasks.append(asyncio.create_task(request(url, token, every, seen), name=str(number)))
        if hostile:
            tasks += [asyncio.create_task(each) for each in attackers(url, token, seen)]
        while not stop.is_set():
            await asyncio.sleep(0.05)
            for task in tasks:
                if task.done():
                    task.result()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        counts.put(seen)

    asyncio.run(work())


def measure(options: argparse.Namespace, load: Load) -> dict[str, Any]:
    """All rounds, and the trace's lateness in each."""
    context = multiprocessing.get_context("spawn")
    display = PrivateDisplay.start((1280, 720))
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder), display.name, options)
        try:
            session = daemon.play(options)
            rounds = []
            for number in range(2 * options.rounds):
                with_load = number % 2 == 1
                stop, counts = context.Event(), context.Queue()
                arguments = (daemon.url, daemon.token, load, stop, counts)
                process = context.Process(target=bother, args=arguments) if with_load else None
                if process:
                    process.start()
                    time.sleep(3)  # its imports
                time.sleep(SETTLE_S)
                used = daemon.processor_seconds()
                began = time.time()
                time.sleep(options.seconds)
                ended = time.time()
                used = daemon.processor_seconds() - used
                seen: dict[str, int] = {}
                if process:
                    if not process.is_alive():
                        raise SystemExit("the clients failed: see above")
                    stop.set()
                    seen = counts.get(timeout=60)
                    process.join()
                rounds.append((with_load, began, ended, used / options.seconds, seen))
            where = Path(daemon.session(session)["folder"])
            daemon.http.delete(f"/api/v1/sessions/{session}")
            while not (where / "trace.jsonl.gz").exists():
                time.sleep(0.1)
            return summary(lateness(where / "trace.jsonl.gz"), rounds)
        finally:
            daemon.http.close()
            daemon.process.terminate()
            daemon.process.wait()
            display.close()


def lateness(trace: Path) -> list[tuple[float, float]]:
    """When each action was sent, in seconds since 1970, and how late, in milliseconds."""
    from datetime import datetime

    lines = list(read_trace(trace))
    origin = datetime.fromisoformat(lines[0]["started"]).timestamp()
    return [
        (origin + sent, (sent - due) * 1000)
        for line in lines
        if line["type"] == "chunk"
        for due, sent in zip(line["due"], line["sent"], strict=True)
    ]


def summary(late: list[tuple[float, float]], rounds: list[Any]) -> dict[str, Any]:
    """The median over rounds of each percentile, with and without clients."""
    result: dict[str, Any] = {}
    for name, kind in (("without", False), ("with", True)):
        mine = [r for r in rounds if r[0] == kind]
        each = [[ms for moment, ms in late if r[1] <= moment <= r[2]] for r in mine]
        result[name] = {
            f"p{rank}": round(statistics.median(percentile(ms, rank) or 0 for ms in each), 3)
            for rank in RANKS
        } | {
            "p99_of_each_round": [round(percentile(ms, 99) or 0, 3) for ms in each],
            "sends": sum(map(len, each)),
            "daemon_cores": round(statistics.mean(r[3] for r in mine), 3),
        }
        seen = [r[4] for r in mine if r[4]]
        if seen:
            result[name]["seen"] = {
                key: sum(counts[key] for counts in seen) for key in ("messages", "lost", "requests")
            }
    result["p99_more_ms"] = round(result["with"]["p99"] - result["without"]["p99"], 3)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=float, default=200.0)
    parser.add_argument("--mode", default="realtime", choices=("realtime", "paused"))
    parser.add_argument("--policy", default="random:tiny")
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--hostile", action="store_true")
    options = parser.parse_args()
    clients = 0 if options.plain or options.hostile else options.clients
    requests = 0.0 if options.idle or options.hostile else options.requests
    result = measure(options, (clients, requests, options.hostile))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    load = "attackers" if options.hostile else f"{clients} event clients, {requests:g} requests/s"
    print(f"{load}, {options.mode}; ms late")
    for name in ("without", "with"):
        print(f"  {name:8}", "  ".join(f"{key} {value}" for key, value in result[name].items()))
    print(f"  p99 grows by {result['p99_more_ms']} ms (target: less than {TARGET_MS:g})")


if __name__ == "__main__":
    main()
