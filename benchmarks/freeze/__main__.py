"""Play the same pads by game time with and without freezes, and compare where the game went.

    python -m benchmarks.freeze [--game supertux --game runner --game road] [--runs 10]
        [--freezes 0,50,200,1000] [--seconds 30] [--out DIR] [--json]

Ways take turns, run by run, so that all have the same neighbours.  ``clock`` freezes the game's
clock with its process, as ``play`` does; ``stop`` stops the process alone, so that the game's
clock runs on; ``lockstep`` goes by pictures.  Bar: every number of ``clock`` is equivalent to that
of the runs that were not frozen (two one-sided tests; margin: twice their standard deviation,
and at least 1 % of their range), and all runs of ``lockstep`` are equal to the last bit.  With
fewer than ``ENOUGH`` runs those tests can show nothing.  However few there are, no run of ``clock``
did more steps by the game's own clock than the time that it was given has, and than it does in any
case (SuperTux begins with a quarter of a second of them, in lockstep too): a clock that runs on
makes the game catch up with each freeze: the arcade by a step, on however busy a machine, SuperTux
with all of it, if that and a picture take less than an eighth of a second.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.freeze.judging import compare, plain, same
from benchmarks.freeze.plots import draw
from benchmarks.freeze.runs import Run, play
from benchmarks.freeze.subjects import GAMES, Subject, subject
from benchmarks.freeze.ways import Way

ENOUGH = 8
AHEAD_S, AHEAD_SHARE = 0.05, 0.02
"""How far the game's own steps may be ahead of the time it was given: three steps, and that share
of it."""


def ways(freezes: list[int]) -> list[Way]:
    """All of them; lockstep without a pause and with the longest one."""
    held = [Way(name, delay) for name in ("clock", "stop") for delay in freezes]
    return [Way("free"), *held, *(Way("lockstep", d) for d in sorted({0, max(freezes)}))]


def measure(one: Subject, freezes: list[int], runs: int, seconds: float) -> dict[Way, list[Run]]:
    """So many runs of each way, in turns."""
    found: dict[Way, list[Run]] = {way: [] for way in ways(freezes)}
    for number in range(runs):
        for way, its in found.items():
            its.append(play(one, way, seconds))
            print(f"{one.task} {number + 1}/{runs} {way}: {its[-1].finish:.2f} s, "
                  f"{dict(zip(one.read, its[-1].values[-1].tolist(), strict=True))}",
                  file=sys.stderr, flush=True)  # fmt: skip
    return found


def judged(one: Subject, found: dict[Way, list[Run]], seconds: float) -> dict[str, Any]:
    """Each way against the runs that were not frozen."""
    free = next(runs for way, runs in found.items() if way.name == "free")
    seconds = min(seconds, len(one.pads) / 60)
    steps = [run for way, runs in found.items() if way.name == "lockstep" for run in runs]
    usual = max(0.0, *(run.ahead for run in (*free, *steps)))
    report: dict[str, Any] = {"task": one.task, "runs": len(free), "ways": {}}
    for way, runs in found.items():
        if way.name == "free":
            continue
        rows = compare(one, free, runs, seconds)
        report["ways"][str(way)] = {
            "equivalent": sum(row.equivalent for row in rows), "of": len(rows),
            "ahead": max(run.ahead for run in runs),
            "ran_on": sum(run.ahead - usual > AHEAD_S + AHEAD_SHARE * run.finish for run in runs),
            "won": sum(run.won for run in runs), "missed": [run.missed for run in runs],
            "rows": plain(rows),
        }  # fmt: skip
    return report | {
        "lockstep_equal": same(steps),
        "free_won": sum(run.won for run in free),
        "free_ahead": max(run.ahead for run in free),
        "free_missed": [run.missed for run in free],
        "load": os.getloadavg()[0],
    }


def show(report: dict[str, Any]) -> None:
    """Print it."""
    equal = "equal to the last bit" if report["lockstep_equal"] else "NOT equal"
    print(f"\n{report['task']}: {report['runs']} runs of each way; lockstep: {equal}")
    print("  way               equivalent   ahead   won  missed  largest difference (in margins)")
    print(f"  free                          {report['free_ahead']:>+6.2f}  {report['free_won']:>4}"
          f"  {_mean(report['free_missed']):>6.1f}")  # fmt: skip
    for way, its in report["ways"].items():
        worst = max(its["rows"], key=lambda row: abs(row["held"] - row["free"]) / row["margin"])
        apart = worst["held"] - worst["free"]
        print(
            f"  {way:<17} {its['equivalent']:>4} of {its['of']:<3}  {its['ahead']:>+6.2f}"
            f"  {its['won']:>4}  {_mean(its['missed']):>6.1f}  {worst['what']}: {apart:+.2f}"
            f" ({apart / worst['margin']:+.2f})"
        )


def _mean(values: list[int]) -> float:
    return sum(values) / len(values)


def main(words: list[str] | None = None) -> int:
    """The command; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--game", action="append", choices=GAMES)
    parser.add_argument("--runs", type=int, default=10, help="of each way, 2 or more")
    parser.add_argument("--freezes", default="0,50,200,1000", help="ms, after each chunk")
    parser.add_argument("--seconds", type=float, default=30.0, help="of game time, at most")
    parser.add_argument("--out", type=Path, help="a folder for pictures and report.json")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    freezes = [int(word) for word in options.freezes.split(",")]
    if options.runs < 2 or min(freezes) < 0 or not options.seconds > 0:
        parser.error("2 runs or more, freezes of 0 ms or more, and some seconds are needed")
    reports = []
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    for game in options.game or GAMES:
        one = subject(game)
        found = measure(one, freezes, options.runs, options.seconds)
        reports.append(judged(one, found, options.seconds))
        if options.out:
            draw(one, found, options.out / f"{game}.png")
        if not options.json:
            show(reports[-1])
    whole = {"games": reports}
    if options.out:
        (options.out / "report.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
    if options.json:
        print(json.dumps(whole))
    return 0 if all(_met(report) for report in reports) else 1


def _met(report: dict[str, Any]) -> bool:
    clocked = [its for way, its in report["ways"].items() if way.startswith("clock")]
    shown = all(its["equivalent"] == its["of"] for its in clocked)
    stood = not any(its["ran_on"] for its in clocked)
    return report["lockstep_equal"] and stood and (shown or report["runs"] < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
