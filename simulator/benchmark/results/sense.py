"""Whether records can be those of their run: each episode once, of its versions, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.results.model import HZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nitropilot.simulator.benchmark.results.episode import Key, Record
    from nitropilot.simulator.benchmark.results.run import Run


def contradictions(run: Run, records: Iterable[Record]) -> Iterator[str]:
    """What cannot be, one line each; the seals of the lines are somebody else's business.

    Args:
        run: What was asked for.
        records: In their order.
    """
    attempts: dict[Key, int] = {}
    decided: dict[Key, int] = {}
    for record in records:
        place = f"record {record.number} ({record.key})"
        due = attempts.get(record.key, 0) + 1
        if record.key in decided:
            yield f"{place} is there twice: record {decided[record.key]} has decided it"
        elif record.attempt != due:
            yield f"{place} is attempt {record.attempt}, and attempt {due} was due"
        attempts[record.key] = max(record.attempt, due)
        if not record.void:
            decided.setdefault(record.key, record.number)
        yield from (f"{place} {why}" for why in _of_one(run, record))


def _of_one(run: Run, record: Record) -> Iterator[str]:
    task = run.task(record.suite, record.game, record.task)
    policy = run.policy(record.policy)
    if task is None or policy is None or record.seed not in run.seeds:
        yield "was not asked for"
        return
    for what, there, needed in (
        ("version of the game", record.game_version, task.game_version),
        ("version of the judge", record.judge_version, task.judge_version),
        ("policy's digest", record.policy_digest, policy.digest),
    ):
        if there != needed:
            yield f"is of another {what}: {there!r}, and the run's is {needed!r}"
    if record.steps > task.limit_seconds * HZ + 1:
        yield f"has {record.steps} steps, and its limit is {task.limit_seconds:g} s"
