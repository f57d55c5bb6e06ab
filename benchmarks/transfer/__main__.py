"""Fine-tune a policy on a game that it never saw, and train one from scratch on the same.

    python -m benchmarks.transfer --base FILE [--game road] [--minutes 1,3,10,30] [--seeds 3]
        [--levels 50] [--steps 600] [--out DIR] [--quick] [--json]

The base is what ``make pocket`` writes: four games, ``road`` is kept out of it and of every choice.
Both ways have the same demonstrations, steps, batches and learning rate; both play the same fresh
levels.  Bar: at 1 and 3 minutes the 95 % interval of what lies between them in progress, level by
level, is above 0.  ``--quick`` is a form of five minutes that shows that it runs, and judges
nothing.
The same command goes on with what was ended.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.transfer.figures import budgets, met, table
from benchmarks.transfer.plots import draw
from benchmarks.transfer.runs import Plan, demonstrations, results, run_cell
from nitropilot.errors import NitroPilotError
from nitropilot.pocket.recipe import GAMES, HELD_OUT
from nitropilot.policy import fingerprint
from nitropilot.policy.files.checkpoint import load_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PROCESSES = 2
TOLD = "plan.json"
VERDICT = {None: "the bar is not judged", True: "the bar is met", False: "the bar is missed"}
QUICK: dict[str, Any] = {"minutes": (1.0,), "seeds": 1, "levels": 6, "steps": 40, "batch": 32}


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True, metavar="FILE")
    parser.add_argument("--game", choices=GAMES, default=HELD_OUT)
    parser.add_argument("--minutes", default="1,3,10,30", help="budgets of demonstrations")
    parser.add_argument("--seeds", type=int, default=Plan.seeds)
    parser.add_argument("--levels", type=int, default=Plan.levels, help="episodes of each run")
    parser.add_argument("--steps", type=int, default=Plan.steps, help="of training, in each run")
    parser.add_argument("--rate", type=float, default=Plan.rate, help="learning rate of both")
    parser.add_argument("--out", type=Path, default=Path("artifacts/transfer"), metavar="DIR")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(words)
    for name in ("seeds", "levels", "steps"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} is {getattr(given, name)}: it is 1 or more")
    try:
        given.minutes = tuple(dict.fromkeys(float(word) for word in given.minutes.split(",")))
    except ValueError:
        parser.error(f"--minutes is {given.minutes!r}: give numbers with commas between them")
    if not all(0 < each < float("inf") for each in (*given.minutes, given.rate)):
        parser.error("--minutes and --rate are above 0")
    return given


def plan_of(given: argparse.Namespace) -> Plan:
    """What a command line asks for."""
    plan = Plan(
        given.base.resolve(), given.game, given.minutes, given.seeds, given.levels, given.steps,
        rate=given.rate,
    )  # fmt: skip
    return replace(plan, **QUICK) if given.quick else plan


def require_unseen(base: Path, game: str) -> None:
    """See that the base was not taught the game.

    Raises:
        NitroPilotError: It was, or it does not say.
    """
    games = load_policy(base).config.nitropilot.games
    if not games or game in games:
        raise NitroPilotError(
            f"{base} was trained on {', '.join(games) if games else 'games that it does not say'}: "
            f"what it brings to {game} would not be transfer",
            "give what `make pocket` writes, which leaves one game out",
        )


def require_same(folder: Path, plan: Plan) -> None:
    """See that a folder holds this experiment, or none.

    Raises:
        NitroPilotError: It holds another.
    """
    told = json.loads(json.dumps(asdict(plan), default=str))
    told["fingerprint"] = fingerprint(str(plan.base))
    path = folder / TOLD
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if differ := [name for name in told if kept.get(name) != told[name]]:
            raise NitroPilotError(
                f"{folder} holds another experiment: its {differ[0]} is {kept.get(differ[0])!r}, "
                f"and {told[differ[0]]!r} is asked for",
                "give the same options, or name another folder with --out",
            )
        return
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def side_by_side(work: Callable[..., None], jobs: Iterable[tuple[object, ...]]) -> None:
    """Do jobs in processes of their own, and say how far they are."""
    jobs, start = list(jobs), time.monotonic()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as crew:
        try:
            for done, each in enumerate([crew.submit(work, *job) for job in jobs], 1):
                each.result()
                passed = (time.monotonic() - start) / 60
                print(f"{done} of {len(jobs)} ({passed:.1f} min)", file=sys.stderr, flush=True)
        except BaseException:
            crew.shutdown(cancel_futures=True)
            raise


def main(words: Sequence[str] | None = None) -> int:
    """The command; 1 when the bar is missed or something failed."""
    given = parsed(words)
    plan, folder = plan_of(given), given.out
    try:
        require_unseen(plan.base, plan.game)
        require_same(folder, plan)
        side_by_side(demonstrations, ((plan, folder, seed) for seed in range(plan.seeds)))
        side_by_side(run_cell, ((plan, folder, *cell) for cell in plan.cells()))
    except NitroPilotError as error:
        print(f"error: {error}" + (f": {error.hint}" if error.hint else ""), file=sys.stderr)
        return 1
    found = results(plan, folder)
    rows = budgets(found)
    draw(rows, plan.game, folder / "transfer.png")
    (folder / "transfer.md").write_text(table(rows) + "\n", encoding="utf-8")
    judged = None if given.quick else met(rows)
    if given.json:
        print(json.dumps({"budgets": [asdict(row) for row in rows], "met": judged}))
    else:
        print(table(rows))
        print(VERDICT[judged])
    return 1 if judged is False else 0


if __name__ == "__main__":
    sys.exit(main())
