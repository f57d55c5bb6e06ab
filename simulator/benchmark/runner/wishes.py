"""``Wish``: what is to be run; and the ``Run`` of a result that it comes to."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.policies.opening import Means
from nitropilot.simulator.benchmark.results.machines import this_machine
from nitropilot.simulator.benchmark.results.run import Policy, Run, Task, Timing
from nitropilot.simulator.benchmark.runner.errors import BadRun
from nitropilot.simulator.benchmark.runner.referee import Patience
from nitropilot.simulator.environments.task_env import MOST_SEED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nitropilot.simulator.benchmark.policies.card import Card
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.runner.suites import SuiteTask

MATTER = ("numpy", "gymnasium", "opencv-python-headless", "pygame-ce", "torch", "openvino")
"""Packages whose versions may change what happens."""
MOST_SEEDS = 1_000_000


@dataclass(frozen=True)
class Wish:
    """What is to be run.

    Attributes:
        tasks: Which.
        entries: Who plays each of them.
        seeds: From each of these, the same for all.
        track: "paused", "realtime" or "lockstep".
        chunk: How many actions of an answer are played; None: as each policy says, or all.
        means: What policies run on.
        video: Whether every episode gets one.
        digest: Whether every picture is digested.
        window: Whether games that can do without a window get one.
        jobs: Episodes at a time; None: as many as the cores allow.
        patience: How long to wait for whom.

    Raises:
        BadRun: They do not fit together.
        NitroPilotError: A task's game is not installed, or not in a version that was tried.
    """

    tasks: tuple[SuiteTask, ...]
    entries: tuple[Entry, ...]
    seeds: tuple[int, ...]
    track: str = "paused"
    chunk: int | None = None
    means: Means = field(default_factory=Means)
    video: bool = False
    digest: bool = False
    window: bool = False
    jobs: int | None = None
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        for what, names in (
            ("policy", [entry.name for entry in self.entries]),
            ("seed", list(map(str, self.seeds))),
        ):
            twice = [name for place, name in enumerate(names) if name in names[:place]]
            if twice:
                raise BadRun(f"the {what} {twice[0]} is there twice", "name each once")
        if not self.seeds:
            raise BadRun("there is no seed", "use --episodes 1 or more")
        if len(self.seeds) > MOST_SEEDS or not all(0 <= seed < MOST_SEED for seed in self.seeds):
            raise BadRun(
                "a seed is out of range, or there are too many",
                f"up to {MOST_SEEDS} seeds, each from 0 to {MOST_SEED - 1}",
            )
        for task in self.tasks:
            if self.track not in task.tracks:
                raise BadRun(
                    f"{task.task} cannot be played in the track {self.track}",
                    f"it can in {', '.join(task.tracks)}",
                )
            (task.windowed() if self.window else task).ready()

    @property
    def at_once(self) -> int:
        """Episodes at a time, on this machine."""
        cores = this_machine().cores or 1
        return self.jobs if self.jobs is not None else 1 if self.alone else cores

    @property
    def alone(self) -> bool:
        """Whether a machine plays one episode at a time: each would need the processor, or the
        card, that the others compute on."""
        heavy = any(entry.kind == "checkpoint" for entry in self.entries)
        return heavy or self.track == "realtime"

    def played(self, card: Card) -> int | None:
        """How many actions of a policy's answer are played; None: all."""
        return self.chunk or card.actions

    def run(self, cards: Mapping[str, Card]) -> Run:
        """What identifies the run, with what the policies say of themselves."""
        return Run(
            track=self.track,  # type: ignore[arg-type]  # checked with the tasks
            tasks=tuple(map(_task, self.tasks)),
            policies=tuple(self._policy(cards[entry.name]) for entry in self.entries),
            seeds=self.seeds,
            episodes=len(self.seeds),
            machine=this_machine(),
            versions=versions(),
            options={"decide_seconds": self.patience.decide, "window": self.window},
        )

    def _policy(self, card: Card) -> Policy:
        late = max(card.shift, 1) / card.hz if self.track == "realtime" else None
        timing = Timing(
            action_hz=card.hz,
            chunk=None if self.track == "realtime" else self.played(card),
            deadline_seconds=late,
            shift=card.shift,
        )
        return Policy(
            name=card.name,
            kind=card.kind,  # type: ignore[arg-type]  # a card's kinds are those of results
            digest=card.digest or None,
            training_games=card.games,
            engine=card.runs,
            precision=card.precision,
            timing=timing,
            options={} if card.steps is None else {"steps": card.steps},
        )


def parse_seeds(text: str) -> tuple[int, ...]:
    """``0-9``, ``3`` or ``0-4,10,12`` as seeds.

    Raises:
        BadRun: It is something else.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = (each.strip() for each in part.partition("-"))
        numbers = [first, last] if dash else [first]
        if not all(each.isascii() and each.isdecimal() and len(each) < 12 for each in numbers):
            raise BadRun(f"{text!r} are no seeds", "write 0-9, or 1,5,7")
        span = range(int(numbers[0]), int(numbers[-1]) + 1)
        if not 0 < len(span) <= MOST_SEEDS:
            raise BadRun(f"{part.strip()!r} are no seeds", f"from low to high, up to {MOST_SEEDS}")
        found += span
    return tuple(found)


def _task(task: SuiteTask) -> Task:
    return Task(
        suite=task.suite,
        game=task.game,
        task=task.task,
        game_version=task.game_version,
        judge_version=task.judge_version,
        limit_seconds=task.seconds,
        category=task.category,
        tags=task.tags,
        replay=task.replay,
    )


def versions() -> dict[str, str]:
    """Of Python, and of the packages here whose versions may change what happens."""
    found = {"python": platform.python_version()}
    for package in MATTER:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
