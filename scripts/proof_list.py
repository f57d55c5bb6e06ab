"""The list of slow proofs, ``.ci/slow-proofs.toml``, and what a commit draws from it."""

from __future__ import annotations

import hashlib
import shlex
import tomllib
from dataclasses import dataclass

LIST = ".ci/slow-proofs.toml"
ALWAYS, IN_TURN = "always", "in turn"


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
