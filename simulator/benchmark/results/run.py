"""``Run``: what identifies a run, written once as ``run.json`` before its first episode."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from nitropilot.simulator.benchmark.results.model import (
    Count,
    Digest,
    Facts,
    Model,
    Name,
    Seed,
    Text,
)
from nitropilot.version import __version__

FORMAT: Final = 1
"""Stands in ``run.json``; another number is another layout."""

Track = Literal["paused", "realtime", "lockstep"]
PolicyKind = Literal["idle", "random", "expert", "checkpoint", "server", "callable", "human"]


class Task(Model):
    """A task that is played.

    Attributes:
        suite: The suite that it is of, such as "arcade".
        game: Its game.
        task: Its name, of its own within the game.
        game_version: Version of the game: its package's, or NitroPilot's for games of ours.
        judge_version: Version of what judges it; its own number, which grows with each change
            that could change a verdict.
        limit_seconds: Seconds of game time after which an episode is cut off.
        category: What kind of game it is; "" for none.
        tags: What else it is; results are also shown for each of them.
        replay: Whether a pad trace of it plays the same again.
    """

    suite: Name
    game: Name
    task: Name
    game_version: Text
    judge_version: Text
    limit_seconds: Annotated[float, Field(gt=0)]
    category: Text = ""
    tags: tuple[Text, ...] = ()
    replay: bool = True


class Timing(Model):
    """When a policy's actions are played.

    Attributes:
        action_hz: Actions a second of game time.
        chunk: Actions played of each answer; None where the policy decides.
        deadline_seconds: How old a picture may be when its first action is played, in real time;
            None where nothing is ever late.
        shift: From a picture's tick to its first action's; None where it is not known.
    """

    action_hz: Annotated[float, Field(gt=0)] = 60.0
    chunk: Annotated[int, Field(ge=1)] | None = None
    deadline_seconds: Annotated[float, Field(gt=0)] | None = None
    shift: int | None = None


class Policy(Model):
    """Who plays.

    Attributes:
        name: As it is called in results; of its own within a run.
        kind: What it is.
        digest: SHA-256 of its weights, or of the source of a callable; None for what NitroPilot
            brings, for a policy server and for a person, of whom nobody knows it.
        training_games: Games that its card says it was trained on; None where it says nothing.
        engine: What computed it, device included; "" for none.
        precision: Of that; "" for none.
        timing: When its actions were played.
        options: What else it was given.
    """

    name: Name
    kind: PolicyKind
    digest: Digest | None = None
    training_games: tuple[Text, ...] | None = None
    engine: Text = ""
    precision: Text = ""
    timing: Timing = Timing()
    options: Facts = Field(default_factory=dict)


class Machine(Model):
    """The machine that began a run.

    Attributes:
        system: Operating system and its version.
        processor: Its name.
        cores: That programs can use.
        memory_gib: Of main memory.
        gpu: The graphics card that computed the policy; "" for none.
    """

    system: Text
    processor: Text
    cores: Count
    memory_gib: Annotated[float, Field(ge=0)]
    gpu: Text = ""

    @property
    def name(self) -> str:
        """All of it in one line: ``machine`` of an episode's record."""
        parts = (self.processor, f"{self.cores} cores", f"{self.memory_gib:g} GiB", self.gpu,
                 self.system)  # fmt: skip
        return ", ".join(part for part in parts if part)


class Run(Model):
    """What identifies a run.  Each of ``policies`` plays each of ``tasks`` from each of ``seeds``.

    Attributes:
        format: ``FORMAT``.
        created: When it was begun, UTC, ISO 8601; all else identifies the run.
        track: Whether the game stands still while a policy decides.
        tasks: At least one; none twice.
        policies: At least one; no two of one name.
        seeds: Of the episodes, the same for every task; none twice.
        episodes: How many were asked for, a task and policy: as many as there are seeds.
        machine: Where it was begun.
        nitropilot: Version that ran it.
        versions: Of what else matters, by name ("python", "numpy", "torch", ...).
        options: What else could change an outcome.
    """

    format: Literal[1] = FORMAT
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    track: Track
    tasks: Annotated[tuple[Task, ...], Field(min_length=1)]
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    episodes: Annotated[int, Field(ge=1)]
    machine: Machine
    nitropilot: str = __version__
    versions: dict[str, Text] = Field(default_factory=dict)
    options: Facts = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_once(self) -> Run:
        """Raises ``ValueError`` where something is there twice, or the number is another."""
        tasks = [(task.suite, task.game, task.task) for task in self.tasks]
        for what, all_of_them in (
            ("task", tasks),
            ("policy", [policy.name for policy in self.policies]),
            ("seed", self.seeds),
        ):
            twice = [one for place, one in enumerate(all_of_them) if one in all_of_them[:place]]
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is there twice")
        if self.episodes != len(self.seeds):
            raise ValueError(f"{self.episodes} episodes and {len(self.seeds)} seeds do not fit")
        return self

    def task(self, suite: str, game: str, task: str) -> Task | None:
        """A task by its names; None if it is none of this run's."""
        names = (suite, game, task)
        return next((t for t in self.tasks if (t.suite, t.game, t.task) == names), None)

    def policy(self, name: str) -> Policy | None:
        """A policy by its name; None if it is none of this run's."""
        return next((policy for policy in self.policies if policy.name == name), None)
