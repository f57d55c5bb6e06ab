"""Several real games at once in the paused track: is each played as it is alone?

    python -m benchmarks.clock.several [--json] [--games 1,4] [--seconds 6] [--cores 2]

Each game is SuperTux in a process of its own, with a display and a hand of its own, on so many of
the machine's cores together.  Its script walks to and fro and jumps, by the tick; between two steps
it thinks for up to 20 ms.  A game is **correct** if every step was 1/60 s of game time, the game's
own logic did as many steps as that time has (64 a second) but for a twentieth, so that neither a
freeze nor a neighbour took or gave it any, and the judge saw Tux walk.  A lapse voids an episode,
which is begun again and counted.  Bar: four games, each correct.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from multiprocessing import get_context

from benchmarks.freeze.subjects import SUPERTUX_HZ, PlaceJudge, subject
from nitropilot.simulator.environments.actions import action_of
from nitropilot.simulator.environments.errors import NoEpisode
from nitropilot.simulator.environments.game_env import GameEnv
from nitropilot.simulator.environments.task_env import HZ
from nitropilot.simulator.games.judging import Judge

THINK_S = 0.02
APART = 0.05
"""How far the game's own steps may be from its time, as a share."""
TRIES = 20


class _Env(GameEnv):
    def _judge_kind(self) -> type[Judge]:
        return PlaceJudge


@dataclass(frozen=True)
class Played:
    """How one game went.

    Attributes:
        steps: Of the environment.
        turns: Steps of the game's own logic, as a share of those that its time has.
        at_once: Most of them within one step.
        walked: Pixels of the level between the leftmost and the rightmost place.
        pictures: That it drew in a step, on average.
        median_ms: Of a step, without thinking.
        lapses: Episodes that were void, and were begun again.
        correct: Whether it was played as alone.
    """

    steps: int
    turns: float
    at_once: int
    walked: float
    pictures: float
    median_ms: float
    lapses: int
    correct: bool


def play(number: int, seconds: float) -> Played:
    """One game, to the end of that game time."""
    for lapses in range(TRIES):
        env = _Env("supertux-1", size=256, track="paused")
        try:
            return _episode(env, number, int(seconds * HZ), lapses)
        except NoEpisode:
            continue
        finally:
            env.close()
    raise SystemExit(f"game {number}: {TRIES} episodes were void: the machine is too busy")


def _episode(env: GameEnv, number: int, steps: int, lapses: int) -> Played:
    dice, pads = random.Random(number), subject("supertux").pads[:steps]
    _, info = env.reset(seed=1)
    turns, places, pictures, took = [info["judge"]["turns"]], [info["judge"]["px"]], [], []
    times = [info["game_time"]]
    for pad in pads:
        time.sleep(dice.random() * THINK_S)
        began = time.perf_counter()
        _, _, terminated, truncated, info = env.step(action_of(pad))
        took.append(time.perf_counter() - began)
        turns.append(info["judge"]["turns"])
        places.append(info["judge"]["px"])
        pictures.append(info["frames"])
        times.append(info["game_time"])
        if terminated or truncated:
            break
    done = len(took)
    share = (turns[-1] - turns[0]) / (done * SUPERTUX_HZ / HZ)
    most = max(after - before for before, after in pairwise(turns))
    whole = all(abs(when - step / HZ) < 1e-6 for step, when in enumerate(times))
    walked = max(places) - min(places)
    return Played(
        done, share, most, walked, statistics.mean(pictures), statistics.median(took) * 1e3, lapses,
        whole and abs(share - 1) <= APART and walked > 100,
    )  # fmt: skip


def at_once(games: int, seconds: float) -> list[Played]:
    """So many of them, side by side."""
    with ProcessPoolExecutor(games, mp_context=get_context("spawn")) as pool:
        return list(pool.map(play, range(games), [seconds] * games))


def main() -> int:
    """Measure and print; 1 when one of them was not correct."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--games", default="1,4", help="how many at once; several numbers")
    parser.add_argument("--seconds", type=float, default=6.0, help="of game time")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    rows = []
    for games in map(int, options.games.split(",")):
        load, began = os.getloadavg()[0], time.perf_counter()
        played = at_once(games, options.seconds)
        wall = time.perf_counter() - began
        rows.append({"games": games, "load": load, "wall_seconds": wall,
                     "played": list(map(asdict, played))})  # fmt: skip
        if not options.json:
            print(f"{games} at once (load {load:.1f} before), {wall:.0f} s:", flush=True)
            for one in played:
                print(f"  {'correct' if one.correct else 'NOT correct':<12} {one}", flush=True)
    if options.json:
        print(json.dumps({"cores": options.cores, "rows": rows}))
    return 0 if all(one["correct"] for row in rows for one in row["played"]) else 1


if __name__ == "__main__":
    sys.exit(main())
