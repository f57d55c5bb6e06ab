"""How much more a policy server gives to many clients than to one, and how evenly.

    python -m benchmarks.policy_server [--clients 8] [--rounds 5] [--seconds 4] [--json]
                                       [--policy random:tiny] [--engine auto] [--device cpu]

Starts ``nitropilot serve --policy-server`` and clients in processes of their own, as real
ones would be; each sends a 256 x 256 picture, waits for its chunk, and sends the next.
One client alone and all of them take turns, round by round, so that whatever else the
machine does hits both alike.  Target: 8 clients get at least 3 times what one gets, and
no client much less than the others.

Server and clients share this machine's cores; on two of them the clients' own work
(packing, masking, unpacking) is a good part of the load.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import connect

from nitropilot.agent.play.stats import percentile
from nitropilot.engines.remote.wire import pack, unpack

TARGET = 3.0
SIDE = 256
LEAD_S = 0.3
"""All clients are told so long beforehand when to begin."""
ROOT = Path(__file__).resolve().parents[1]


def play(address: str) -> None:
    """A client: for every line ``BEGIN END`` on stdin, ask in that time, and print how it went."""
    picture = np.random.default_rng(os.getpid()).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    with connect(address, compression=None, max_size=None) as connection:
        connection.recv()
        print("ready", flush=True)
        for line in sys.stdin:
            begin, end = map(float, line.split())
            time.sleep(max(begin - time.time(), 0))
            waited: list[float] = []
            while time.time() < end:
                asked = time.perf_counter()
                connection.send(pack({"image": picture}))
                answer = connection.recv()
                assert isinstance(answer, bytes), answer
                assert unpack(answer)["actions"].ndim == 2
                waited.append(time.perf_counter() - asked)
            print(json.dumps(waited), flush=True)


@dataclass
class Side:
    """What was measured with one client, or with all.

    Attributes:
        rates: Answers a second of all clients together, by round.
        waited: Seconds of every request.
        least: The least served client's answers, as a share of the mean, by round.
    """

    rates: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    least: list[float] = field(default_factory=list)

    def add(self, answers: list[list[float]], seconds: float) -> None:
        """Take in a round."""
        counts = [len(one) for one in answers]
        self.rates.append(sum(counts) / seconds)
        self.least.append(min(counts) / statistics.mean(counts))
        self.waited += [waited for one in answers for waited in one]

    def figures(self) -> dict[str, Any]:
        """For people and machines."""
        return {
            "chunks_per_second": round(statistics.median(self.rates), 1),
            "chunks_per_second_by_round": [round(rate, 1) for rate in self.rates],
            "latency_ms_p50": round((percentile(self.waited, 50) or 0) * 1000, 2),
            "latency_ms_p99": round((percentile(self.waited, 99) or 0) * 1000, 2),
            "least_served_share": round(min(self.least), 3),
        }


def round_of(clients: list[subprocess.Popen[str]], seconds: float) -> list[list[float]]:
    """Let these clients ask for so long; the seconds that each of their requests took."""
    begin = time.time() + LEAD_S
    for client in clients:
        assert client.stdin is not None
        client.stdin.write(f"{begin} {begin + seconds}\n")
        client.stdin.flush()
    return [json.loads(_line(client)) for client in clients]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Start everything, measure, and end everything."""
    started: list[subprocess.Popen[str]] = []
    try:
        server, address = start_server(options)
        started.append(server)
        for _ in range(options.clients):
            command = [sys.executable, "-m", "benchmarks.policy_server", "--client", address]
            started.append(
                subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
        clients = started[1:]
        for client in clients:
            assert _line(client) == "ready\n"
        round_of(clients, 1.0)  # warms up what is lazy on both sides
        one, many = Side(), Side()
        for _ in range(options.rounds):
            one.add(round_of(clients[:1], options.seconds), options.seconds)
            many.add(round_of(clients, options.seconds), options.seconds)
    finally:
        for process in started:
            process.terminate()
            process.wait()
    ratios = [b / a for a, b in zip(one.rates, many.rates, strict=True)]
    return {
        "policy": options.policy,
        "engine": f"{options.engine} on {options.device}",
        "clients": options.clients,
        "cores": os.cpu_count(),
        "one_client": one.figures(),
        "all_clients": many.figures(),
        "times_one_client": round(statistics.median(ratios), 2),
        "times_one_client_by_round": [round(ratio, 2) for ratio in ratios],
    }


def start_server(options: argparse.Namespace) -> tuple[subprocess.Popen[str], str]:
    """The server, and its address once it listens."""
    command = [
        sys.executable, "-m", "nitropilot", "serve", "--policy-server", "--port", "0",
        "--policy", options.policy, "--engine", options.engine, "--device", options.device,
        "--max-batch", str(options.max_batch), "--max-clients", str(options.clients),
    ]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NITROPILOT_SERVER")}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    said = ""
    for line in server.stderr:
        said += line
        if found := re.search(r"listens on (ws://\S+)", line):
            # Whatever else it says must not fill the pipe.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return server, found[1]
    raise SystemExit(f"the server ended: {said}")


def _line(client: subprocess.Popen[str]) -> str:
    assert client.stdout is not None
    return client.stdout.readline()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--policy", default="random:tiny")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--max-batch", type=int, default=8)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        play(options.client)
        return
    result = measure(options)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['policy']}, {result['engine']}, {result['cores']} cores for all processes")
    for name in ("one_client", "all_clients"):
        print(f"  {name:12}", "  ".join(f"{key} {value}" for key, value in result[name].items()))
    times = result["times_one_client"]
    print(f"  {result['clients']} clients get {times} times one's (target: {TARGET:g})")


if __name__ == "__main__":
    main()
