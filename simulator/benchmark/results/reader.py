"""Reads results, whole, interrupted, or still being written.

result = read_result(folder)
result.run, result.records, result.missing()
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from nitropilot.simulator.benchmark.results.episode import Key
from nitropilot.simulator.benchmark.results.errors import (
    DamagedResult,
    NotAResult,
    OtherFormat,
)
from nitropilot.simulator.benchmark.results.files import EPISODES, RUN
from nitropilot.simulator.benchmark.results.lines import MOST_LINE, record_of, sha256
from nitropilot.simulator.benchmark.results.run import FORMAT, Run
from nitropilot.simulator.benchmark.results.sense import contradictions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from nitropilot.simulator.benchmark.results.episode import Record

MOST_RUN = 64 * 2**20
"""Bytes of a ``run.json``; what is longer is none of ours."""


class Planned(NamedTuple):
    """An episode that is to be played."""

    key: Key
    attempt: int


@dataclass(frozen=True)
class Result:
    """What a result holds.

    Attributes:
        folder: Where it is.
        run: What was run.
        records: All of them, void ones too, in the order in which they were written.
        head: Digest of the last line (of ``run.json`` without one): it stands for all of them.
        cut_off: Bytes of a half line at the end, which a killed run left; they are not read.
    """

    folder: Path
    run: Run
    records: tuple[Record, ...]
    head: str
    cut_off: int = 0

    def decided(self) -> dict[Key, Record]:
        """The episodes that count, by which they are: those that are not void."""
        return {record.key: record for record in self.records if not record.void}

    def missing(self) -> list[Planned]:
        """The episodes that were asked for and have not been played, or only void."""
        return planned(self.run, self.records)


def asked(run: Run) -> Iterator[Key]:
    """All episodes that a run asks for: seed by seed, so that an early end is fair to all."""
    for seed in run.seeds:
        for policy in run.policies:
            for task in run.tasks:
                yield Key(task.suite, task.game, task.task, policy.name, seed)


def planned(run: Run, records: Iterable[Record]) -> list[Planned]:
    """The episodes that are still to be played, in their order, with the number of the attempt."""
    attempts: dict[Key, int] = {}
    decided = set()
    for record in records:
        attempts[record.key] = attempts.get(record.key, 0) + 1
        if not record.void:
            decided.add(record.key)
    return [Planned(key, attempts.get(key, 0) + 1) for key in asked(run) if key not in decided]


def read_run(folder: Path) -> tuple[Run, str]:
    """What was run, and the digest of the file that says so.

    Raises:
        NotAResult: The folder holds something else, or is not there.
        OtherFormat: It is of another version.
        DamagedResult: It cannot be read.
    """
    path = folder / RUN
    try:
        with path.open("rb") as file:
            text = file.read(MOST_RUN)
    except FileNotFoundError:
        what = "holds no result" if folder.is_dir() else "is not there"
        raise NotAResult(f"{folder} {what}: it has no {RUN}", "name the folder of a run") from None
    except OSError as error:
        raise NotAResult(f"{path} cannot be read: {error.strerror}") from error
    try:
        facts = json.loads(text)
        found = facts["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(f"{path} does not say what was run: {error}") from error
    if found != FORMAT:
        raise OtherFormat(
            f"the result {folder} is of format {found}, and this NitroPilot reads format {FORMAT}",
            f"use the version that wrote it ({facts.get('nitropilot', 'unknown')})",
        )
    try:
        return Run.of_json(text), sha256(text)
    except ValueError as error:
        raise _damaged(f"{path} does not say what was run: {error}") from error


def read_result(folder: Path) -> Result:
    """Read a result.

    Raises:
        NotAResult: The folder holds something else, or is not there.
        OtherFormat: It is of another version.
        DamagedResult: A file is missing or broken, a line was changed or taken out, or records
            contradict the run or each other.
    """
    run, head = read_run(folder)
    lines, cut_off = read_lines(folder)
    records = []
    for number, line in enumerate(lines):
        try:
            record = record_of(line)
        except ValueError as error:
            raise _damaged(f"line {number + 1} of {folder / EPISODES}: {error}") from error
        if record.number != number or record.previous != head:
            raise _damaged(
                f"line {number + 1} of {folder / EPISODES} does not follow on what is before it: "
                "something was changed, moved or taken out"
            )
        records.append(record)
        head = record.digest
    for why in contradictions(run, records):
        raise _damaged(f"{folder} cannot be what its run left: {why}")
    return Result(folder, run, tuple(records), head, cut_off)


def read_lines(folder: Path) -> tuple[list[bytes], int]:
    """The whole lines of a result's episodes, and the bytes of a half one at the end.

    Raises:
        DamagedResult: They cannot be read.
    """
    path = folder / EPISODES
    lines: list[bytes] = []
    try:
        with path.open("rb") as file:
            while line := file.readline(MOST_LINE):
                if not line.endswith(b"\n"):
                    break
                lines.append(line[:-1])
            half = len(line)
            if half and file.read(1):
                raise _damaged(f"line {len(lines) + 1} of {path} has more than {MOST_LINE} bytes")
    except OSError as error:
        raise _damaged(f"{path} cannot be read: {error.strerror}") from error
    return lines, half


def _damaged(what: str) -> DamagedResult:
    return DamagedResult(what, "copy the result again, or leave it out")
