"""``python -m nitropilot.simulator.benchmark.runner.episode``: one episode in a process of its own.

Frames of ``policies.wire``.  The first on stdin is the ``Job``; those after it are answers of the
policy's process.  It says

    {"alive": steps}                     now and then, also while it waits for the policy
    {"ask": ...}                         to be passed on to the policy
    {"done": {...}, "trace": steps x 20}    how it went (``Job.play``), and ends
    {"broken": {"message", "hint"}}      neither game nor policy failed but the machine, and ends
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.agent.errors import RecordingError
from nitropilot.simulator.benchmark.policies.builtin import HUMAN, NEAR
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import CRASHED, EntryError, PolicyFailed
from nitropilot.simulator.benchmark.policies.info import info_at, own_seed
from nitropilot.simulator.benchmark.policies.orphans import Pipes
from nitropilot.simulator.benchmark.results.model import plain
from nitropilot.simulator.benchmark.runner.mind import FarMind, NearMind
from nitropilot.simulator.benchmark.runner.stage import NOT_STARTED, GameFailed, Stage
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.benchmark.runner.tracks import Misses, play
from nitropilot.simulator.benchmark.runner.video import EpisodeVideo
from nitropilot.simulator.environments.task_env import HZ

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.runner.mind import Mind
    from nitropilot.simulator.benchmark.runner.suites import SuiteTask
    from nitropilot.simulator.environments.task_env import TaskEnv

ALIVE_S = 1.0
UNPLAYED: dict[str, Any] = {
    "steps": 0, "frames": 0, "progress": 0.0, "facts": {}, "frames_digest": None,
    "freezes": 0, "frozen_seconds": 0.0, "scores": (None, None), "disagreements": [],
}  # fmt: skip
"""Of an episode that never began."""


@dataclass(frozen=True)
class Job:
    """One episode.

    Attributes:
        suite, task, seed: Which.
        track: How.
        card: The policy's (``Card.plain``).
        chunk: How many actions of an answer are played; None: all.
        video: Where to write one; "" for none.
        digest: Whether to digest every picture.
        window: Whether a game that can do without a window gets one.
    """

    suite: str
    task: str
    seed: int
    track: str
    card: dict[str, Any] = field(default_factory=dict)
    chunk: int | None = None
    video: str = ""
    digest: bool = False
    window: bool = False

    def plain(self) -> dict[str, Any]:
        """As a message."""
        return asdict(self)


class _Alive:
    """Says so, not too often."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes, self._said = pipes, 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._said >= ALIVE_S:
            self._said = now
            self._pipes.send({"alive": True})


def main() -> None:
    """Play the one episode."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # Ray's processes block it
    pipes = Pipes(gone=_thread.interrupt_main)
    try:
        first = pipes.receive()
        if first is not None:
            pipes.send(_play(Job(**first), pipes))
    except RecordingError as error:
        pipes.send({"broken": {"message": str(error), "hint": error.hint}})
    except KeyboardInterrupt:
        sys.exit(1)


def _play(job: Job, pipes: Pipes) -> dict[str, Any]:
    began = time.perf_counter()
    alive, card = _Alive(pipes), Card.read(job.card)
    task = task_named(job.suite, job.task, job.window)
    video = EpisodeVideo(Path(job.video), HZ) if job.video else None
    misses, error, stage, mind, end = Misses(), "", None, None, ""
    with ExitStack() as stack:
        if video is not None:
            stack.callback(video.drop)
        try:
            env = _opened(task, job.track)
            stack.callback(env.close)
            mind = _mind(card, env, pipes, alive)
            if card.kind == HUMAN:
                env.render_mode = "human"  # a person has to see it
            facts = _facts(task, job)
            mind.begin(info_at(facts, 0))  # before the game runs: in real time it waits for nobody
            stage = Stage(env, job.seed, facts, video, job.digest, alive)
            misses = play(stage, mind, job.track, job.chunk)
            end = stage.end
        except (PolicyFailed, GameFailed) as failure:
            end, error = failure.how, failure.line()
        except EntryError as failure:  # what cannot play this game at all
            end, error = CRASHED, failure.line()
        if video is not None:
            video.finish()
    done = {
        "end": end, "error": error, "seconds": mind.seconds if mind else [],
        "deadline_misses": misses.deadlines, "dropped": misses.dropped,
        "ticks_without_action": misses.ticks, "wall_seconds": time.perf_counter() - began,
        "video": video is not None and video.frames > 0, **_state(stage),
    }  # fmt: skip
    return {"done": done} if stage is None else {"done": done, "trace": stage.trace}


def _opened(task: SuiteTask, track: str) -> TaskEnv:
    try:
        return task.open(track)
    except Exception as error:
        raise GameFailed(NOT_STARTED, f"{type(error).__name__}: {error}") from error


def _mind(card: Card, env: TaskEnv, pipes: Pipes, alive: _Alive) -> Mind:
    if card.kind in NEAR:
        return NearMind(NEAR[card.kind](env))
    return FarMind(card, pipes, alive)


def _facts(task: SuiteTask, job: Job) -> dict[str, Any]:
    """What a policy may know of the episode."""
    seed = own_seed(f"{task.suite}/{task.game}/{task.task}", job.seed)
    return {
        "suite": task.suite, "game": task.game, "task": task.task, "goal": task.goal,
        "track": job.track, "seed": seed,
    }  # fmt: skip


def _state(stage: Stage | None) -> dict[str, Any]:
    """How far it got; of a game that never began, nothing."""
    if stage is None:
        return dict(UNPLAYED)
    return {
        "steps": stage.steps, "frames": stage.frames, "progress": stage.progress,
        "facts": plain(stage.judged), "frames_digest": stage.digest,
        "freezes": stage.freezes, "frozen_seconds": stage.frozen_seconds, "scores": stage.scores,
        "disagreements": [plain(asdict(each)) for each in stage.env.disagreements],
    }  # fmt: skip


if __name__ == "__main__":
    main()
