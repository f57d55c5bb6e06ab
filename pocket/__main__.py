"""``python -m nitropilot.pocket``: make the policy that is shipped, or measure one.

    make pocket                              four games, an hour on two cores
    make pocket POCKET='--games all'         all five, as what is shipped
    make pocket POCKET='--measure FILE'      how a policy plays levels that were never taught

The same command goes on with a run that was ended.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.errors import NitroPilotError
from nitropilot.pocket.recipe import GAMES, HELD_OUT, STEPS_AN_HOUR, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FAILED = 1
LOCK = "running.lock"
PROCESSES = 2


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("artifacts/pocket"), metavar="DIR")
    parser.add_argument(
        "--games", default="", help=f"with commas between them, or all; default: not {HELD_OUT}"
    )
    parser.add_argument("--hours", type=float, default=1.0, help="of training, on two quiet cores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="each takes one core")
    parser.add_argument("--levels", type=int, default=34, help="of each task, to measure on")
    parser.add_argument("--measure", type=Path, metavar="FILE", help="only play with this policy")
    parser.add_argument(
        "--ship", action="store_true", help="put it, with its card, where policies are shipped"
    )
    given = parser.parse_args(arguments)
    for name, least in (("seed", 0), ("processes", 1), ("levels", 1)):
        if getattr(given, name) < least:
            parser.error(f"--{name} is {getattr(given, name)}: it is {least} or more")
    if not 0 < given.hours < float("inf"):
        parser.error(f"--hours is {given.hours}: it is more than 0")
    named = filter(None, given.games.split(","))
    games = GAMES if given.games == "all" else tuple(dict.fromkeys(named))
    given.games = games or tuple(game for game in GAMES if game != HELD_OUT)
    if given.measure and given.ship:
        parser.error("--ship goes with the training whose card it writes, not with --measure")
    if unknown := [game for game in given.games if game not in GAMES]:
        parser.error(f"--games: there is no game {unknown[0]!r}; games are {', '.join(GAMES)}")
    return given


def recipe_of(given: argparse.Namespace) -> Recipe:
    """What a command line asks for."""
    steps = max(round(STEPS_AN_HOUR * given.hours), 1)
    samples = round(min(2 * given.hours, 1.0) * Recipe.samples)
    return replace(Recipe(), games=given.games, steps=steps, samples=samples, seed=given.seed)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only training in a folder; the lock ends with the process.

    Raises:
        PocketError: Another one runs there, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    from nitropilot.pocket.errors import PocketError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise PocketError(
            f"another training runs in {folder}", "wait for it, or name another folder with --out"
        ) from None
    except OSError as error:
        raise PocketError(f"{folder} cannot be used: {error}", "name another folder") from None
    try:
        yield
    finally:
        lock.release()


def train(given: argparse.Namespace, recipe: Recipe) -> Path:
    """Run the processes; all end when one fails, or on Ctrl-C.

    Returns:
        The policy.

    Raises:
        PocketError: The folder holds another run, or a process failed.
    """
    from nitropilot.pocket.errors import PocketError
    from nitropilot.pocket.run import POLICY, require_same, work

    folder: Path = given.out
    require_same(folder, asdict(recipe) | {"processes": given.processes})
    (folder / "meeting").unlink(missing_ok=True)
    ways = multiprocessing.get_context("spawn")
    crew = [
        ways.Process(target=work, args=(rank, given.processes, recipe, folder), daemon=True)
        for rank in range(given.processes)
    ]
    try:
        for process in crew:
            process.start()
        while any(process.is_alive() for process in crew):
            time.sleep(0.5)
            if any(process.exitcode for process in crew):
                raise PocketError(
                    "a process of the training failed", "what it said stands above this line"
                )
    finally:
        for process in crew:
            if process.is_alive():
                process.terminate()
            process.join()
    return folder / POLICY


def _report(path: Path, given: argparse.Namespace) -> None:
    from nitropilot.pocket.reporting import keep, report, ship
    from nitropilot.pocket.run import seconds_of

    made = report(path, given.levels, given.processes)
    for line in made.lines():
        print(line)
    given.out.mkdir(parents=True, exist_ok=True)
    print(f"figures: {keep(made, given.out)}")
    if given.ship:
        words = f"--games {','.join(given.games)} --hours {given.hours:g} --seed {given.seed}"
        words += f" --processes {given.processes}" if given.processes != PROCESSES else ""
        command = f"make pocket POCKET='{words}'"
        place = ship(path, made, command, recipe_of(given), seconds_of(path.parent) / 60)
        print(f"shipped: {place}")


def main() -> int:
    """Train, measure, ship."""
    given = parsed()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if given.measure:
            _report(given.measure, given)
        else:
            with alone(given.out):
                _report(train(given, recipe_of(given)), given)
    except NitroPilotError as error:
        print(f"error: {error}" + (f": {error.hint}" if error.hint else ""), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("ended: the same command goes on from where it last wrote", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
