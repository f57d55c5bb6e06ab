"""``check``: whether a result is whole, and can be what it says it is.

It finds what was changed, moved, taken out or put in by whoever did not seal every later line anew.
Whoever does that has another ``head``; so the head is what to publish beside a score.  That
episodes went as their records say shows only to those who play the pad traces again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.results.errors import DamagedResult
from nitropilot.simulator.benchmark.results.files import TRACES, file_digest
from nitropilot.simulator.benchmark.results.lines import record_of
from nitropilot.simulator.benchmark.results.reader import planned, read_lines, read_run
from nitropilot.simulator.benchmark.results.sense import contradictions
from nitropilot.simulator.benchmark.results.traces import read_trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.simulator.benchmark.results.episode import Attached, Record
    from nitropilot.simulator.benchmark.results.reader import Planned

TRACE_NAME = re.compile(r"(\d{6,})\.npz")


@dataclass(frozen=True)
class Check:
    """What was found.

    Attributes:
        records: Lines that can be read.
        missing: Episodes that are still to be played.
        problems: What cannot be in a result that nobody touched, one line each.
        notes: What a killed run leaves, and what nobody can look into, one line each.
        head: Digest of the last line: it stands for everything that the result holds.
    """

    records: int
    missing: tuple[Planned, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    head: str

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the result."""
        return not self.problems

    @property
    def complete(self) -> bool:
        """Whether every episode that was asked for counts."""
        return not self.missing


def check(folder: Path, head: str = "") -> Check:
    """Look through a result, every file of it.

    Args:
        folder: The result's.
        head: What was published as its head; "" if nothing was.

    Raises:
        NotAResult: The folder holds something else, or is not there.
        OtherFormat: It is of another version.
        DamagedResult: ``run.json`` or the whole of ``episodes.jsonl`` cannot be read.
    """
    run, last = read_run(folder)
    lines, cut_off = read_lines(folder)
    problems, notes, records = [], [], []
    for number, line in enumerate(lines):
        try:
            record = record_of(line)
        except ValueError as error:
            problems.append(f"line {number + 1}: {error}")
            last = ""
            continue
        if last and record.previous != last:
            problems.append(f"line {number + 1} does not follow on the line before it")
        if record.number != number:
            problems.append(f"line {number + 1} says that it is number {record.number}")
        last = record.digest
        records.append(record)
    problems += contradictions(run, records)
    for record in records:
        problems += _files_of(folder, record)
    missing = planned(run, records)
    if cut_off:
        notes.append(f"half a line at the end ({cut_off} bytes): a killed run leaves it")
    if bare := sum(not r.void and r.steps > 0 and r.trace is None for r in records):
        notes.append(f"{bare} records that count have no pad trace: nobody can play them again")
    for name in _strangers(folder, records):
        if name == f"{len(lines):06d}.npz" and missing:
            notes.append(f"{TRACES}/{name} has no record yet: a killed run leaves it")
        else:
            problems.append(f"{TRACES}/{name} has no record")
    if head and head != last:
        problems.append(f"its head is {last or 'unreadable'}, and {head} was published")
    return Check(len(records), tuple(missing), tuple(problems), tuple(notes), last)


def _files_of(folder: Path, record: Record) -> Iterator[str]:
    """What is wrong with the files of a record."""
    for attached in (record.trace, record.video):
        if attached is not None and (why := _wrong(folder, attached)):
            yield f"record {record.number} ({record.key}): {attached.file} {why}"
            return
    if record.trace is not None:
        try:
            there = len(read_trace(folder / record.trace.file))
        except DamagedResult as error:
            yield f"record {record.number}: {error}"
            return
        if there != record.steps:
            yield f"record {record.number} has {record.steps} steps, and its trace {there}"


def _wrong(folder: Path, attached: Attached) -> str:
    try:
        there = file_digest(folder / attached.file)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if there == attached.sha256 else "was changed: its checksum is another"


def _strangers(folder: Path, records: list[Record]) -> list[str]:
    """Traces that belong to no record."""
    known = {record.trace.file for record in records if record.trace is not None}
    there = (folder / TRACES).iterdir() if (folder / TRACES).is_dir() else ()
    return sorted(
        path.name
        for path in there
        if TRACE_NAME.fullmatch(path.name) and f"{TRACES}/{path.name}" not in known
    )
