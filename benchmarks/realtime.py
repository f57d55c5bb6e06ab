"""What real-time mode does to delay and pacing, beside paused mode.

    python -m benchmarks.realtime [--json] [--seconds 20] [--hz 60] [--policy random:tiny]
                                  [--engine auto] [--slower 0]

Plays the built-in game in a private display in both modes, one after the other.  Prints,
for each, in milliseconds unless said otherwise:

    fresh share      share of ticks that were played from a chunk that was there in time
    frame to action  from a frame to the first action of its chunk (paused mode: wall time,
                     in which the game stood still)
    frame age        from a frame to each action that was made from it
    lateness         between when an action was due and when it was sent
    game runs        share of the wall time in which the game was not frozen

``--slower`` adds milliseconds to every chunk, to see what a slower engine would do.
Target: 99 % fresh ticks where a chunk takes less than half of its playing time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.agent import Mode, PlaySettings, Session, SessionPlan, Target, open_game
from nitropilot.engines import load_engine
from nitropilot.engines.base import ActionChunk, Engine, Request
from nitropilot.simulator.games.recipes import find_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.agent.play.samples import Samples
    from nitropilot.agent.play.stats import PlayStats


class Slower(Engine):
    """An engine that waits before it computes, as for a device that is slower."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self.spec, self.info, self.joins = engine.spec, engine.info, engine.joins
        self._engine = engine
        self._seconds = seconds

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As the engine, later."""
        time.sleep(self._seconds)
        return self._engine.infer_batch(requests)

    def close(self) -> None:
        """As the engine."""
        self._engine.close()


def play(
    mode: Mode, seconds: float, hz: float, policy: str, engine: str, slower: float = 0.0
) -> PlayStats:
    """Play the built-in game for so long, every chunk ``slower`` seconds later."""
    with tempfile.TemporaryDirectory() as folder:
        plan = SessionPlan(
            open_game=partial(
                open_game, Target(launch=find_recipe("runner"), headless=True, keep=False)
            ),
            open_engine=lambda: Slower(load_engine(policy, engine=engine), slower),
            folder=Path(folder),
            settings=PlaySettings(action_hz=hz, seed=0, mode=mode),
        )
        session = Session(plan)
        session.start()
        while not session.wait(0.1) and session.stats.playing_seconds < seconds:
            pass
        session.stop()
        session.wait()
    if session.end is None or session.end.code != "stopped":
        raise SystemExit(f"the session failed: {session.end}")
    return session.stats


def measure(mode: Mode, options: argparse.Namespace) -> dict[str, float | int | None]:
    """Play in one mode and return the figures."""
    stats = play(
        mode, options.seconds, options.hz, options.policy, options.engine, options.slower / 1000
    )
    summary = stats.summary()
    return {
        "fresh_share": summary["fresh_share"],
        "ticks_without_action": summary["ticks_without_action"],
        "chunks": stats.chunks,
        "chunks_dropped": stats.chunks_dropped,
        "inference_p50": _ms(stats.inference, 50),
        "frame_to_action_p50": _ms(stats.reaction, 50),
        "frame_to_action_p99": _ms(stats.reaction, 99),
        "frame_age_p50": _ms(stats.age, 50),
        "frame_age_p99": _ms(stats.age, 99),
        "lateness_p50": _ms(stats.lateness, 50),
        "lateness_p99": _ms(stats.lateness, 99),
        "game_runs": round(stats.running_seconds / stats.playing_seconds, 4),
    }


def _ms(samples: Samples, rank: float) -> float:
    return round((samples.percentile(rank) or 0.0) * 1000, 3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--hz", type=float, default=60.0)
    parser.add_argument("--policy", default="random:tiny")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--slower", type=float, default=0.0, metavar="MS")
    options = parser.parse_args()
    result = {mode.value: measure(mode, options) for mode in (Mode.PAUSED, Mode.REALTIME)}
    if options.json:
        print(
            json.dumps({"hz": options.hz, "slower_ms": options.slower, "modes": result}, indent=2)
        )
        return
    print(f"{options.policy} at {options.hz:g} Hz, times in ms")
    for name in result["paused"]:
        values = "  ".join(f"{result[mode][name]!s:>10}" for mode in ("paused", "realtime"))
        print(f"  {name:22}{values}")


if __name__ == "__main__":
    main()
