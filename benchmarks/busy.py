"""What a busy machine does to the pad: lapses of the lease by which a daemon holds it.

    python -m benchmarks.busy [--minutes 30] [--processes 4] [--mode realtime] [--hz 60]

Plays the built-in game in a private display beside processes that compute all the time.  Prints
how often this process was silent for so long that its game's hand let the pad go
(``pad_lapses``), freezes that ended by themselves, and how late the sends were, in milliseconds.
Target: no lapse in 30 minutes beside four processes on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import ExitStack

from benchmarks.realtime import play
from nitropilot.agent import Mode


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument(
        "--mode", type=Mode, choices=[Mode.REALTIME, Mode.PAUSED], default="realtime"
    )
    parser.add_argument("--hz", type=float, default=60.0)
    parser.add_argument("--policy", default="random:tiny")
    parser.add_argument("--engine", default="torch")
    options = parser.parse_args()
    with ExitStack() as stack:
        for _ in range(options.processes):
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(busy.wait)
            stack.callback(busy.kill)
        figures = play(
            Mode(options.mode), options.minutes * 60, options.hz, options.policy, options.engine
        ).summary()
    print(f"{options.minutes:g} min in {options.mode} mode beside {options.processes} processes")
    for name in (
        "pad_lapses", "freezes_cut", "actions_sent", "actions_per_second", "fresh_share",
        "pacing_jitter_ms_p99", "frame_to_action_ms_p50", "frame_to_action_ms_p99",
    ):  # fmt: skip
        print(f"  {name:24}{figures[name]}")


if __name__ == "__main__":
    main()
