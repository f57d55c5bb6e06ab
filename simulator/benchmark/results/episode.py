"""``Outcome``: how an episode went, as the runner knows it; ``Record``: that, as a line."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field, JsonValue, model_validator

from nitropilot.simulator.benchmark.results.model import (
    Count,
    Digest,
    Facts,
    Model,
    Name,
    Seconds,
    Seed,
    Share,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Ending(StrEnum):
    """Why an episode ended."""

    WON = "won"
    LOST = "lost"
    LIMIT = "limit"  # of game time
    POLICY_CRASHED = "policy crashed"
    POLICY_TIMED_OUT = "policy timed out"
    POLICY_ANSWERED_RUBBISH = "policy answered rubbish"
    POLICY_GAVE_UP = "policy gave up"
    GAME_CRASHED = "game crashed"
    GAME_HUNG = "game hung"
    GAME_NOT_STARTED = "game not started"
    LAPSED = "lapsed"  # the pad's, or the clock's, lease ran out while game time ran
    MACHINE_FAILED = "machine failed"  # a worker died, a disk was full

    @property
    def void(self) -> bool:
        """Whether the policy had no part in it: the episode is played again."""
        return self in VOID


VOID = frozenset(
    {
        Ending.GAME_CRASHED,
        Ending.GAME_HUNG,
        Ending.GAME_NOT_STARTED,
        Ending.LAPSED,
        Ending.MACHINE_FAILED,
    }
)
"""Endings that say nothing of the policy."""


class Key(NamedTuple):
    """Which episode of a run."""

    suite: str
    game: str
    task: str
    policy: str
    seed: int

    def __str__(self) -> str:
        return f"{self.suite}/{self.game}/{self.task} by {self.policy}, seed {self.seed}"


class Attached(Model):
    """A file of an episode.

    Attributes:
        file: Its path in the result's folder, with "/".
        sha256: Of its bytes.
    """

    file: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_@+=-][A-Za-z0-9_.@+=-]*(/[A-Za-z0-9_@+=-][A-Za-z0-9_.@+=-]*)*$"
        ),
    ]
    sha256: Digest


class Delays(Model):
    """How long the policy thought.

    Attributes:
        decisions: How often it was asked.
        p50, p99, max: Seconds from picture to answer; None without a decision.
        deadline_misses: Answers that came too late to be played in full, in real time.
    """

    decisions: Count = 0
    p50: Seconds | None = None
    p99: Seconds | None = None
    max: Seconds | None = None
    deadline_misses: Count = 0

    @classmethod
    def of(cls, seconds: Sequence[float], deadline_misses: int = 0) -> Delays:
        """The figures of so many seconds, one for each decision."""
        if not len(seconds):
            return cls(deadline_misses=deadline_misses)
        p50, p99 = (float(value) for value in np.percentile(seconds, (50, 99)))
        return cls(decisions=len(seconds), p50=p50, p99=p99, max=float(max(seconds)),
                   deadline_misses=deadline_misses)  # fmt: skip


class Freezes(Model):
    """How often the game was held still, and for how many seconds together."""

    count: Count = 0
    seconds: Seconds = 0.0


class Disagreement(Model):
    """Two judges that do not read the same.

    Attributes:
        fact: What they read.
        game: What the game's own output says.
        picture: What the picture says.
        game_time: When, in seconds of game time; None where it is not known.
    """

    fact: Name
    game: JsonValue
    picture: JsonValue
    game_time: Seconds | None = None


class Outcome(Model):
    """How one episode went.

    Attributes:
        suite, game, task, policy, seed: Which it is, of those that the run asked for.
        attempt: From 1; grows with each void one.
        end: Why it ended.
        success: Whether it was won.
        progress: How far it got, 0 to 1: the most that its judge has seen.
        raw_score: The game's own score; None where it has none.
        normalised_score: The same with the task's own scale, 0 to 1 or more; None where it has
            none.
        steps: Steps of 1/60 s that were played.
        game_seconds: The same in seconds of game time.
        wall_seconds: How long it took, start and end included.
        facts: What the judge read last.
        disagreements: Where a second judge, who reads the picture, saw something else.
        delays: How long the policy thought.
        freezes: How the game was held still.
        frames: Pictures that the game drew.
        frames_digest: SHA-256 over all of their pixels in their order; None where not asked for.
        video: Its video; None where not asked for.
        machine: Where it was played (``Machine.name``).
        error: What the policy's or the game's failure says, as text; "" for none.
    """

    suite: Name
    game: Name
    task: Name
    policy: Name
    seed: Seed
    attempt: Annotated[int, Field(ge=1)] = 1
    end: Ending
    success: bool
    progress: Share
    raw_score: float | None = None
    normalised_score: float | None = None
    steps: Count
    game_seconds: Seconds
    wall_seconds: Seconds
    facts: Facts = Field(default_factory=dict)
    disagreements: tuple[Disagreement, ...] = ()
    delays: Delays = Delays()
    freezes: Freezes = Freezes()
    frames: Count = 0
    frames_digest: Digest | None = None
    video: Attached | None = None
    machine: Text = ""
    error: Text = ""

    @model_validator(mode="after")
    def _fits(self) -> Outcome:
        """Raises ``ValueError`` for a success that is no win, or a win that is none."""
        if self.success != (self.end is Ending.WON):
            raise ValueError(f"success is {self.success}, and it ended: {self.end}")
        return self

    @property
    def key(self) -> Key:
        """Which episode it is."""
        return Key(self.suite, self.game, self.task, self.policy, self.seed)


class Record(Outcome):
    """A line of ``episodes.jsonl``: an outcome, and what makes it stand by itself.

    Attributes:
        number: Of the line, from 0.
        void: Whether it says nothing of the policy, and is played again; follows from ``end``.
        game_version, judge_version: The task's.
        policy_digest: The policy's.
        trace: The pad, step by step; None where nothing was played.
        finished: When it was written, UTC, ISO 8601.
        previous: ``digest`` of the line before; of the first one, SHA-256 of ``run.json``.
        digest: SHA-256 of the line up to its last comma; the last field of the line.
    """

    number: Count
    void: bool
    game_version: str
    judge_version: str
    policy_digest: Digest | None
    trace: Attached | None
    finished: str
    previous: Digest
    digest: Digest

    @model_validator(mode="after")
    def _marked(self) -> Record:
        """Raises ``ValueError`` for an episode that is marked as something else than it is."""
        if self.void != self.end.void:
            raise ValueError(f"void is {self.void}, and it ended: {self.end}")
        return self


def fields_of(outcome: Outcome) -> dict[str, Any]:
    """An outcome's own fields, as JSON has them."""
    return outcome.model_dump(mode="json", include=set(Outcome.model_fields))
