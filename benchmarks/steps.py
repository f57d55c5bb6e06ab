"""How a policy plays, and what a chunk takes, with 1 to 16 Euler steps and 4 to 16 actions.

    python -m benchmarks.steps [POLICY] [--levels N] [--games runner,maze] [--json] [--write-card]

Every choice plays the same levels of each task of the games, paused and in process; a chunk is
timed with each engine and precision that works here.  Prints one Markdown table, and what to choose
on this machine and on slower ones.  ``--write-card`` keeps success and progress in the policy's
card, for ``--steps auto``; times are measured anew on each machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from benchmarks.engines import processor
from nitropilot.agent.play.modes import REALTIME_SHARE
from nitropilot.agent.play.settings import USUAL_HZ
from nitropilot.engines.chooser import load_engine
from nitropilot.engines.chunk_times import time_chunk
from nitropilot.engines.errors import EngineError
from nitropilot.errors import NitroPilotError
from nitropilot.pocket.measuring import measure, tasks_of
from nitropilot.policy import open_policy
from nitropilot.policy.files.formats import find_checkpoint
from nitropilot.policy.naming import DEFAULT, parse_adapted
from nitropilot.policy.shipped.card import require_described, write_steps_table
from nitropilot.policy.steps_rows import StepsRow
from nitropilot.simulator.arcade.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nitropilot.policy.network.policy import Policy

STEPS = (1, 2, 4, 8, 16)
ACTIONS = (4, 8, 16)
WAYS = {
    "torch float32": ("torch", "float32"),
    "openvino float32": ("openvino", "float32"),
    "openvino bfloat16": ("openvino", "bfloat16"),
    "openvino int8": ("openvino", "int8"),
}
"""Engines of a processor, and their precisions."""
SLOWER = (1, 4, 16)
"""Machines that advice is given for: so many times slower than this one."""

Times = dict[str, dict[int, float]]
"""Milliseconds a chunk by steps, of each way that works here."""


def play_all(
    policy: Policy, games: Sequence[str], levels: int, tell: Callable[[str], None]
) -> list[StepsRow]:
    """Play the same levels with every choice.

    Args:
        policy: What plays; chunks of fewer actions than a choice leave that one out.
        games: Of the arcade.
        levels: Of each task.
        tell: Is told each row.
    """
    rows = []
    for actions in (count for count in ACTIONS if count <= policy.horizon):
        for steps in STEPS:
            found = [
                measure(policy, task, range(levels), actions, steps) for task in tasks_of(games)
            ]
            played = sum(each.levels for each in found)
            row = StepsRow(
                steps=steps,
                actions=actions,
                success=sum(each.won for each in found) / played,
                progress=sum(each.progress * each.levels for each in found) / played,
                levels=played,
            )
            tell(f"{actions} actions, {steps} steps: {row.success:.2f} / {row.progress:.2f}")
            rows.append(row)
    return rows


def time_all(policy: str, tell: Callable[[str], None]) -> Times:
    """Time a chunk with every number of steps, in every way that works here."""
    found: Times = {}
    for name, (engine, precision) in WAYS.items():
        try:
            for steps in STEPS:
                opened = load_engine(
                    policy, engine=engine, device="cpu", precision=precision, steps=steps
                )
                with closing(opened):
                    found.setdefault(name, {})[steps] = 1e3 * time_chunk(opened)
        except EngineError as error:
            tell(f"{name}: {error}")
            found.pop(name, None)
    return found


def best_for(
    rows: Sequence[StepsRow], took: Mapping[int, float], hz: float, slower: float
) -> StepsRow | None:
    """What plays best of what is there in time in real time; None where nothing is.

    Args:
        rows: What was played.
        took: Milliseconds a chunk by steps, here.
        hz: Actions a second.
        slower: How many times slower than this machine the one is that is asked about.
    """
    timely = [
        row for row in rows if slower * took[row.steps] < 1e3 * REALTIME_SHARE * row.actions / hz
    ]
    return max(timely, key=lambda row: (row.success, row.progress, -row.steps), default=None)


def table(rows: Sequence[StepsRow], times: Times, hz: float) -> str:
    """Success / progress and times as Markdown, and under it what to choose."""
    head = ["actions", "steps", "won / progress", *(f"{name}, ms" for name in times)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in rows:
        took = [f"{times[name][row.steps]:.1f}" for name in times]
        cells = [str(row.actions), str(row.steps), f"{row.success:.2f} / {row.progress:.2f}", *took]
        lines.append(f"| {' | '.join(cells)} |")
    if times:
        fastest = min(times, key=lambda name: sum(times[name].values()))
        lines += ["", *(_advice(rows, times[fastest], hz, slower, fastest) for slower in SLOWER)]
    return "\n".join(lines)


def _advice(
    rows: Sequence[StepsRow], took: Mapping[int, float], hz: float, slower: int, name: str
) -> str:
    where = "- here" if slower == 1 else f"- on a machine {slower} times slower"
    row = best_for(rows, took, hz, slower)
    if row is None:
        return f"{where} ({name}): nothing is there in time; play paused (`--mode paused`)"
    return (
        f"{where} ({name}): `--steps {row.steps} --actions-per-chunk {row.actions}`, "
        f"won {row.success:.2f} of {row.levels} levels"
    )


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("policy", nargs="?", default=DEFAULT, help="a checkpoint; default: pocket")
    parser.add_argument("--levels", type=int, default=10, help="of each task")
    parser.add_argument("--games", default="", help="with commas; default: what it was trained on")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write-card", action="store_true", help="keep the rows in its card")
    asked = parser.parse_args(arguments)
    if asked.levels < 1:
        parser.error(f"--levels is {asked.levels}: it is 1 or more")
    asked.games = tuple(filter(None, asked.games.split(",")))
    if unknown := [game for game in asked.games if game not in RULES]:
        parser.error(f"--games: there is no game {unknown[0]!r}; games are {', '.join(RULES)}")
    return asked


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure, and keep what is to be kept.

    Raises:
        NitroPilotError: There is no such policy; it needs several frames; it has no card.
    """
    if asked.write_card and parse_adapted(asked.policy):
        raise NitroPilotError(
            f"{asked.policy} has no card: that of its base is of the base alone",
            "leave --write-card out, or merge them first (nitropilot policies merge)",
        )
    policy = open_policy(asked.policy)
    if policy.frames != 1:
        raise NitroPilotError(
            f"{policy.name} sees {policy.frames} frames at a time",
            "only policies of one frame are played side by side: use nitropilot benchmark run",
        )
    if asked.write_card:
        require_described(find_checkpoint(asked.policy))  # before all of it is played
    own = policy.config.nitropilot
    games = asked.games or tuple(game for game in own.games or () if game in RULES) or tuple(RULES)
    tell = _tell
    rows = play_all(policy, games, asked.levels, tell)
    if asked.write_card:
        write_steps_table(find_checkpoint(asked.policy), tuple(rows))
    return {
        "policy": policy.name, "games": list(games), "processor": processor(),
        "hz": own.action_hz or USUAL_HZ, "rows": [row.model_dump() for row in rows],
        "ms": time_all(asked.policy, tell),
    }  # fmt: skip


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    asked = parsed(arguments)
    try:
        found = run(asked)
    except NitroPilotError as error:
        print(f"error: {error.line()}", file=sys.stderr)
        return 2
    if asked.json:
        print(json.dumps(found))
        return 0
    rows = [StepsRow(**row) for row in found["rows"]]
    print(f"{found['policy']} on {', '.join(found['games'])}; {found['processor']['name']}\n")
    print(table(rows, found["ms"], found["hz"]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
