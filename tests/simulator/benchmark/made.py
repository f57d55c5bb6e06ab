"""Results for tests: made by the real writer, of episodes that nobody had to play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.simulator.benchmark.results.episode import Ending, Outcome
from nitropilot.simulator.benchmark.results.run import Machine, Policy, Run, Task
from nitropilot.simulator.benchmark.results.writer import ResultWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nitropilot.simulator.benchmark.results.episode import Key

MACHINE = Machine(system="Linux 6.1", processor="Some CPU", cores=2, memory_gib=8.0)
STEPS = 30


def task(name: str = "runner-1", **other: Any) -> Task:
    """A task of the arcade."""
    facts = {
        "suite": "arcade",
        "game": name.rsplit("-", 1)[0],
        "task": name,
        "game_version": "0.1.0",
        "judge_version": "1",
        "limit_seconds": 40.0,
        "category": "platformer" if name.startswith("runner") else "maze",
        "tags": ("2D side", "procedural") if name.startswith("runner") else ("2D top",),
    }
    return Task(**{**facts, **other})


def policy(name: str = "idle", **other: Any) -> Policy:
    """Who plays."""
    return Policy(**{"name": name, "kind": "idle", **other})


def run(
    seeds: Sequence[int] = range(4),
    tasks: Sequence[Task] = (task("runner-1"), task("maze-1")),
    policies: Sequence[Policy] = (policy(),),
    **other: Any,
) -> Run:
    """What is run."""
    facts = {
        "track": "paused",
        "tasks": tuple(tasks),
        "policies": tuple(policies),
        "seeds": tuple(seeds),
        "episodes": len(seeds),
        "machine": MACHINE,
        "versions": {"python": "3.11.7"},
    }
    return Run(**{**facts, **other})


def outcome(key: Key, attempt: int = 1, end: str = "limit", **other: Any) -> Outcome:
    """How an episode went."""
    facts = {
        **key._asdict(),
        "attempt": attempt,
        "end": Ending(end),
        "success": end == "won",
        "progress": 1.0 if end == "won" else 0.25,
        "raw_score": 120.0,
        "steps": STEPS,
        "game_seconds": STEPS / 60,
        "wall_seconds": 0.7,
        "facts": {"x": 12, "coins": [1, 2]},
        "machine": MACHINE.name,
        "frames": STEPS,
    }
    return Outcome(**{**facts, **other})


def actions(seed: int = 0, steps: int = STEPS) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What somebody pressed: ``steps x 20`` float32."""
    rng = np.random.default_rng(seed)
    pressed = (rng.random((steps, 16)) < 0.2).astype(np.float32)
    return np.hstack([pressed, rng.uniform(-1, 1, (steps, 4)).astype(np.float32)])


def write(
    folder: Path, what: Run, ends: Mapping[tuple[str, int], str] | None = None, **other: Any
) -> Path:
    """Write a whole result.

    Args:
        folder: Its.
        what: What is run.
        ends: How episodes end, by policy and seed; the others reach the limit.
        other: Fields of every outcome.
    """
    with ResultWriter(folder, what) as writer:
        for key, attempt in writer.missing():
            end = (ends or {}).get((key.policy, key.seed), "limit")
            writer.add(outcome(key, attempt, end, **other), actions(key.seed))
    return folder
