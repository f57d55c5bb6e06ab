"""``verify``: whether episodes went as a result says: its pads are pressed once more.

What ``results.checking`` finds is who touched a file.  Whoever seals a changed record anew is found
out here: the same pad from the same seed gives another verdict than the one that was claimed.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.results.checking import check
from nitropilot.simulator.benchmark.results.episode import Ending
from nitropilot.simulator.benchmark.results.errors import DamagedResult
from nitropilot.simulator.benchmark.results.model import plain
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.results.traces import read_trace
from nitropilot.simulator.benchmark.runner.errors import BadRun, UnknownSuite
from nitropilot.simulator.benchmark.runner.stage import GameFailed, Stage
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.environments.errors import UnknownTask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.simulator.benchmark.results.checking import Check
    from nitropilot.simulator.benchmark.results.episode import Record
    from nitropilot.simulator.benchmark.results.reader import Result
    from nitropilot.simulator.benchmark.runner.suites import SuiteTask

BY_THE_GAME = (Ending.WON, Ending.LOST, Ending.LIMIT)
"""Ends that the same pad gives again; any other was the policy's."""


class NotReplayable(Exception):
    """Why an episode cannot be held against its record; nothing speaks against it."""


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        check: What the files say.
        played: Episodes that were played again.
        differing: Those of them that went otherwise, one line each.
        left_out: Why others were not played, and how many each: a reason and a number.
    """

    check: Check
    played: int
    differing: tuple[str, ...]
    left_out: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the result."""
        return self.check.sound and not self.differing


def verify(
    folder: Path,
    head: str = "",
    most: int | None = None,
    tell: Callable[[int, int], object] = lambda _done, _all: None,
) -> Verification:
    """Look through a result, and play its episodes again.

    Args:
        folder: The result's.
        head: What was published as its head; "" if nothing was.  Nothing is played if the result's
            is another.
        most: How many episodes to play, spread over all of them; None: every one.
        tell: Told how many of how many were played.

    Raises:
        ResultError: It is no result, or one of another format.
        BadRun: What is given as a head can be none.
    """
    if head and not re.fullmatch("[0-9a-f]{64}", head):
        raise BadRun(f"{head!r} is no head", "a head is 64 digits of 0-9 and a-f: report prints it")
    found = check(folder, head)
    if head and found.head != head:
        return Verification(
            found, 0, (), {"their head is another than the one given": found.records}
        )
    try:
        result = read_result(folder)
    except DamagedResult:
        return Verification(found, 0, (), {"the records do not follow on each other": 1})
    records = _spread(list(result.decided().values()), most)
    played, differing, left_out = 0, [], dict[str, int]()
    for number, record in enumerate(records):
        tell(number, len(records))
        try:
            why = replay(result, record)
        except NotReplayable as reason:
            left_out[str(reason)] = left_out.get(str(reason), 0) + 1
            continue
        played += 1
        if why:
            differing.append(f"record {record.number} ({record.key}): {why}")
    return Verification(found, played, tuple(differing), left_out)


def replay(result: Result, record: Record) -> str:
    """Play one episode again; in what it differs from its record, "" if in nothing.

    Raises:
        NotReplayable: It cannot be played again, or would not be the same.
    """
    task = _task(record, window=bool(result.run.options.get("window")))
    if record.trace is None:
        raise NotReplayable("they have no pad trace")
    try:
        actions = read_trace(result.folder / record.trace.file)
    except DamagedResult as error:
        raise NotReplayable("their pad trace cannot be read") from error
    track = result.run.track if result.run.track in task.tracks else task.tracks[0]
    try:
        with closing(task.open(track)) as env:
            if not env.metadata["deterministic"]:
                raise NotReplayable(f"in the track {track} {task.game} is never quite the same")
            stage = Stage(env, record.seed, {}, digest=record.frames_digest is not None)
            for action in actions:
                if stage.over:
                    break
                stage.step(action)
    except GameFailed as error:
        raise NotReplayable(f"the game failed: {error}") from error
    return _difference(stage, record)


def _task(record: Record, *, window: bool) -> SuiteTask:
    try:
        task = task_named(record.suite, record.task, window)
    except (BadRun, UnknownSuite, UnknownTask) as error:
        raise NotReplayable("their task is not known here") from error
    if not task.replay:
        raise NotReplayable("their task is one that chance has a part in")
    here = (task.game_version, task.judge_version)
    if here != (record.game_version, record.judge_version):
        raise NotReplayable(
            f"they are of {record.game} {record.game_version} and its judge "
            f"{record.judge_version}, and here are {here[0]} and {here[1]}"
        )
    return task


def _difference(stage: Stage, record: Record) -> str:
    end = stage.end or "not over"
    if end != (record.end if record.end in BY_THE_GAME else "not over"):
        return f"ended: {record.end} was claimed, and it is {end}"
    for what, claimed, found in (
        ("steps", record.steps, stage.steps),
        ("progress", record.progress, stage.progress),
        ("score", record.raw_score, stage.scores[0]),
        ("what the judge read", record.facts, plain(stage.judged)),
        ("pictures", record.frames_digest, stage.digest),
    ):
        if claimed != found:
            return f"{what}: {claimed} was claimed, and it is {found}"
    return ""


def _spread(records: list[Record], most: int | None) -> list[Record]:
    """So many of them, from the first to the last."""
    if most is None or most >= len(records):
        return records
    return [records[place * len(records) // most] for place in range(most)]
