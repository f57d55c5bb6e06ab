"""Run the slow proofs of ``.ci/slow-proofs.toml``: the tests, the fixed rows, and some in turn.

Which rows have their turn is drawn from the commit's digest, so that nobody keeps a state and
everybody can say for any commit what was proved of it.  Needs Python and git alone; started
in the repository's root.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = ".ci/slow-proofs.toml"
ALWAYS, IN_TURN = "always", "in turn"
SLOWEST = 10
INTERRUPTED = 130


class ListError(ValueError):
    """The list is not what it may be."""


@dataclass(frozen=True)
class Proof:
    """A row of the list.

    Attributes:
        name: Of its own.
        command: What is run, a target of make.
        minutes: What it takes on a quiet machine.
        when: ``always`` or ``in turn``.
    """

    name: str
    command: str
    minutes: float
    when: str


@dataclass(frozen=True)
class Plan:
    """The whole list.

    Attributes:
        minutes: What one run may take.
        tests: The step before all rows.
        proofs: The rows.
    """

    minutes: float
    tests: Proof
    proofs: tuple[Proof, ...]

    def rows(self, when: str) -> list[Proof]:
        """The rows of one kind."""
        return [proof for proof in self.proofs if proof.when == when]

    @property
    def left(self) -> float:
        """Minutes for rows in turn."""
        return self.minutes - self.tests.minutes - sum(p.minutes for p in self.rows(ALWAYS))


@dataclass(frozen=True)
class Result:
    """How a step went.

    Attributes:
        proof: The step.
        seconds: What it took.
        status: Its exit status.
    """

    proof: Proof
    seconds: float
    status: int

    @property
    def line(self) -> str:
        """For printing."""
        how = f"failed with status {self.status}" if self.status else "passed"
        minutes = self.proof.minutes
        return f"{self.seconds / 60:6.1f} min (listed {minutes:g})  {self.proof.name}: {how}"


def read_plan(text: str) -> Plan:
    """The list from its text.

    Raises:
        ListError: It is no such list.
    """
    try:
        data = tomllib.loads(text)
        tests = Proof(name="tests", when=ALWAYS, **data.pop("tests"))
        proofs = tuple(Proof(**row) for row in data.pop("proof", ()))
        plan = Plan(_minutes("a run", data.pop("minutes")), tests, proofs)
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ListError(f"{LIST} cannot be read: {error}") from error
    if data:
        raise ListError(f"{LIST} has {sorted(data)[0]!r}, which nobody reads")
    for proof in (tests, *proofs):
        _check(proof)
    names = [proof.name for proof in (tests, *proofs)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ListError(f"{LIST} has two rows of the name {twice[0]!r}")
    return plan


def _check(proof: Proof) -> None:
    """Raise ``ListError`` for a row that could not be drawn or run."""
    if not isinstance(proof.name, str) or not proof.name:
        raise ListError(f"{LIST} has a row whose name is {proof.name!r}")
    try:
        words = shlex.split(proof.command)
    except (ValueError, AttributeError, TypeError) as error:
        raise ListError(f"{proof.name!r} has the command {proof.command!r}: {error}") from error
    if not words:
        raise ListError(f"{proof.name!r} has no command")
    _minutes(proof.name, proof.minutes)
    if proof.when not in (ALWAYS, IN_TURN):
        raise ListError(f"{proof.name!r} is to run {proof.when!r}: {ALWAYS!r} or {IN_TURN!r}")


def _minutes(name: str, value: object) -> float:
    if type(value) not in (int, float) or not 0 < value < float("inf"):  # type: ignore[operator]
        raise ListError(f"{name!r} takes {value!r} minutes: use a number above 0")
    return value  # type: ignore[return-value]


def drawn(plan: Plan, digest: str) -> list[Proof]:
    """The rows in turn that a commit runs: a function of digest, names and minutes alone."""
    order = sorted(plan.rows(IN_TURN), key=lambda row: lot(digest, row.name))
    left, chosen = plan.left, []
    for row in order:
        if row.minutes <= left:
            chosen.append(row)
            left -= row.minutes
    return chosen


def lot(digest: str, name: str) -> bytes:
    """What a name draws at a commit: the lowest comes first."""
    return hashlib.sha256(f"{digest} {name}".encode()).digest()


def run(steps: list[Proof]) -> list[Result]:
    """Run all, also after one has failed, and say of each how it went."""
    results: list[Result] = []
    for step in steps:
        print(f"== {step.name}: {step.command}", flush=True)
        began = time.monotonic()
        try:
            status = _call(step.command)
        except KeyboardInterrupt:
            return [*results, Result(step, time.monotonic() - began, INTERRUPTED)]
        results.append(Result(step, time.monotonic() - began, status))
        print(f"== {results[-1].line.strip()}", flush=True)
    return results


def _call(command: str) -> int:
    # What make was told of this run (to ignore errors, to run nothing) is not for the rows.
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    try:
        return subprocess.run(shlex.split(command), env=environment, check=False).returncode
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
        return 127


def head() -> str:
    """The commit's digest; empty where this is no checkout.

    Raises:
        ListError: It is one, and git does not say: every run would draw the same rows.
    """
    digest = _git("rev-parse", "HEAD").strip()
    if not digest and Path(".git").exists():
        raise ListError("git does not tell the commit; see what `git rev-parse HEAD` says")
    return digest


def last_draws(names: list[str]) -> tuple[dict[str, str], int]:
    """For each row the last commit that drew it by the list of its own time, and how many
    commits were looked at: those that this clone has."""
    commits = _git("log", "--format=%H").split()
    found: dict[str, str] = {}
    for commit, text in zip(commits, _lists(commits), strict=True):
        try:
            rows = drawn(read_plan(text), commit) if text else []
        except ListError:
            rows = []
        for row in rows:
            found.setdefault(row.name, commit)
        if all(name in found for name in names):
            break
    return found, len(commits)


def _lists(commits: list[str]) -> list[str]:
    """The list as it was at each commit; empty where there was none."""
    asked = "".join(f"{commit}:{LIST}\n" for commit in commits).encode()
    answer = _git_bytes("cat-file", "--batch", asked=asked)
    texts = []
    for _ in commits:
        about, _, answer = answer.partition(b"\n")
        words = about.split()
        size = int(words[2]) if len(words) == 3 and words[1] == b"blob" else None
        texts.append("" if size is None else answer[:size].decode("utf-8", "replace"))
        answer = answer if size is None else answer[size + 1 :]
    return texts


def _git(*words: str) -> str:
    return _git_bytes(*words).decode()


def _git_bytes(*words: str, asked: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["git", *words], input=asked, capture_output=True, check=False)  # noqa: S607
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""


def show_list(plan: Plan, digest: str) -> None:
    """Every row, and whether this commit draws it."""
    chosen = drawn(plan, digest)
    print(f"{plan.tests.minutes:5g} min  always   {plan.tests.name}: {plan.tests.command}")
    for proof in plan.proofs:
        mark = "  <- drawn by this commit" if proof in chosen else ""
        print(f"{proof.minutes:5g} min  {proof.when:<7}  {proof.name}: {proof.command}{mark}")
    print(f"{plan.minutes:g} min a run, {plan.left:g} of them for rows in turn")


def show_end(plan: Plan, results: list[Result], digest: str) -> None:
    """What ran, what did not, who drew each row last, and what took longest."""
    ran = {result.proof.name for result in results}
    names = [proof.name for proof in plan.rows(IN_TURN)]
    last, seen = last_draws(names)
    print(f"\nRan, at {digest[:12] or 'no commit'}:")
    for result in results:
        print(f"  {result.line}")
    print("Did not run:")
    for proof in (plan.tests, *plan.proofs):
        if proof.name not in ran:
            print(f"  {proof.minutes:6g} min  {proof.name}: {proof.command}")
    print(f"Last drawn by (of {seen} commits that are here):")
    for name in names:
        print(f"  {last.get(name, 'never')[:12]:<12}  {name}")
    print(f"The {SLOWEST} slowest:")
    for result in sorted(results, key=lambda one: -one.seconds)[:SLOWEST]:
        print(f"  {result.line}")
    total = sum(result.seconds for result in results) / 60
    print(f"{total:.1f} min in all, {plan.minutes:g} are allowed", flush=True)


def choose(plan: Plan, options: argparse.Namespace, digest: str) -> list[Proof]:
    """The steps that the command line asks for.

    Raises:
        ListError: There is no such row.
    """
    known = {proof.name: proof for proof in (plan.tests, *plan.proofs)}
    if options.only:
        if strange := [name for name in options.only if name not in known]:
            raise ListError(f"there is no row {strange[0]!r}: {', '.join(known)}")
        return [known[name] for name in options.only]
    if options.all:
        return list(plan.proofs)
    return [plan.tests, *plan.rows(ALWAYS), *drawn(plan, digest)]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status, 1 when a step failed."""
    parser = argparse.ArgumentParser(description="Runs the tests and the slow proofs.")
    parser.add_argument("--list", action="store_true", help="print the rows and run nothing")
    parser.add_argument("--dry-run", action="store_true", help="print what would run")
    parser.add_argument("--all", action="store_true", help="every row, without the tests")
    parser.add_argument("--only", action="append", metavar="NAME", help="this row, in any case")
    options = parser.parse_args(arguments)
    try:
        digest = head()
        plan = read_plan(Path(LIST).read_text(encoding="utf-8"))
        steps = choose(plan, options, digest)
    except (ListError, OSError, UnicodeDecodeError) as error:
        print(f"slow_proofs: {error}", file=sys.stderr)
        return 2
    if options.list:
        show_list(plan, digest)
        return 0
    if options.dry_run:
        for step in steps:
            print(f"would run {step.name}: {step.command}")
        return 0
    results = run(steps)
    show_end(plan, results, digest)
    return 1 if any(result.status for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
