"""Break the program on purpose; a test must notice each time: ``make sabotage``.

Of every fault chosen, the test that is named must pass in a copy of the checkout, and fail in
one with the fault.  Any that it does not catch makes the exit status 1, a mistake in the lists 2.
"""

from __future__ import annotations

import argparse
import difflib
import signal
import subprocess
import sys
from pathlib import Path

from scripts import slow_proofs
from scripts.proof_list import lot
from tests.sabotage.faults import Fault, ListError, mistakes, read_faults
from tests.sabotage.running import Outcome, run_in_copy

CAUGHT, MISSED, NOTHING = "caught", "NOT caught", "no test"


def chosen(faults: list[Fault], names: list[str], turn: int | None, digest: str) -> list[Fault]:
    """The faults that the command line asks for; some in turn in an order that a commit draws,
    as it draws its slow proofs.

    Raises:
        ListError: A name is none.
    """
    known = {fault.name: fault for fault in faults}
    if strange := [name for name in names if name not in known]:
        near = [name for name in known if strange[0] in name]
        near = near or difflib.get_close_matches(strange[0], known, 3, 0.0)
        raise ListError(f"there is no fault {strange[0]!r}; near it: {', '.join(near)}")
    found = [known[name] for name in names] if names else faults
    if turn is None:
        return found
    return sorted(found, key=lambda fault: lot(digest, fault.name))[:turn]


def run(faults: list[Fault], root: Path) -> bool:
    """Try them one after the other, and print how each went.

    Returns:
        Whether all were caught.

    Raises:
        ListError, OSError, subprocess.CalledProcessError: As ``run_in_copy``.
    """
    sound: dict[str, Outcome] = {}
    caught = 0
    for fault in faults:
        test = fault.caught_by
        if test not in sound:
            sound[test] = run_in_copy(root, test, None)
        told, seconds = sound[test], 0.0
        how = NOTHING
        if told.passed:
            told = run_in_copy(root, test, fault)
            how, seconds = (CAUGHT if told.failed else MISSED), told.seconds
        caught += how == CAUGHT
        print(
            f"{how:<10}  {sound[test].seconds:5.1f} s whole {seconds:5.1f} s broken  "
            f"{fault.name}  [{test}]", flush=True,
        )  # fmt: skip
        if how != CAUGHT:
            said = "without the fault" if how == NOTHING else "with the fault"
            print(f"    {said}: {told.said}", flush=True)
    print(f"{caught} of {len(faults)} caught")
    return caught == len(faults)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main(arguments: list[str] | None = None) -> int:
    """The command line, in the repository's root; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="this fault; without, all")
    parser.add_argument("--turn", type=_count, metavar="N", help="as many as have their turn")
    parser.add_argument("--list", action="store_true", help="print the names and run nothing")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        faults = read_faults(root)
        if wrong := mistakes(faults, root):
            raise ListError("; ".join(wrong))
        digest = slow_proofs.head() if options.turn else ""
        picked = chosen(faults, options.names, options.turn, digest)
        if options.list:
            print("\n".join(f"{fault.name}  [{fault.caught_by}]" for fault in picked))
            return 0
        return 0 if run(picked, root) else 1
    except (ListError, slow_proofs.ListError, OSError, subprocess.CalledProcessError) as error:
        print(f"sabotage: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the copy goes too
    sys.exit(main())
