"""How long a game's hand takes from its start until it holds the game.

    python -m benchmarks.clock.hand_start [--rounds N]

The game is a process that sleeps, with a pad page: what is timed is Python's start, the imports,
the ledger's entry, the pad and the first answer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time

from nitropilot.controller import Hand, PadPage

BAR_MS = 300


def main() -> None:
    """Start hands, one after the other, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    took: list[float] = []
    page = PadPage.create()
    game = subprocess.Popen(["sleep", "3600"])
    try:
        for _ in range(rounds):
            began = time.perf_counter()
            hand = Hand.start(game.pid, page=page.path)
            took.append((time.perf_counter() - began) * 1e3)
            hand.close()
    finally:
        game.kill()
        game.wait()
        page.close()
        page.unlink()
    children, load = os.times(), os.getloadavg()[0]
    cpu = (children.children_user + children.children_system) / rounds * 1e3
    print(
        f"start of a hand: p50 {statistics.median(took):.0f} ms, fastest {min(took):.0f}, slowest "
        f"{max(took):.0f} (bar {BAR_MS}); {cpu:.0f} ms of a processor from start to end; "
        f"{rounds} rounds, load {load:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
