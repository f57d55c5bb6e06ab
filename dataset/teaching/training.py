"""``train``: a parser from nothing, or from pretrained weights, on a stream of made-up samples.

    FILE          the best parser so far, by styles that are held out: see ``files``
    FILE.md       its card
    FILE.state    to go on with

Batches are decided by the seed and their numbers, so a run of so many samples gives the same
weights however often it was ended and gone on with (on one processor, and with as many trainers and
workers).  One that was told how long cannot: its learning rate follows the clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from nitropilot.dataset.parsing.files import load_parser, load_state, save_parser, save_state
from nitropilot.dataset.parsing.network import fresh
from nitropilot.dataset.teaching.batches import batches, together
from nitropilot.dataset.teaching.learner import Learner
from nitropilot.dataset.teaching.meeting import Meeting, gathered
from nitropilot.dataset.teaching.opening import Job, opened, told
from nitropilot.dataset.teaching.scores import by_kind, calibrate, read_batches

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.dataset.teaching.batches import Batch, Stream
    from nitropilot.dataset.teaching.presets import Recipe

    Tell = Callable[[str, float], None]

HELD_OUT, CALIBRATING = 0x0D_D0, 0xCA_11
"""Beside the run's seed: streams whose looks no trainer is shown."""
SAVED_EVERY, TOLD_EVERY = 120.0, 20.0
"""Seconds."""


class Trained(NamedTuple):
    """What became of a run.

    Attributes:
        path: The parser's file.
        card: What is in it.
        ended: Whether it came to its end; else it was stopped, and can be gone on with.
    """

    path: Path
    card: dict[str, Any]
    ended: bool


def train(
    recipe: Recipe,
    stream: Stream,
    path: Path,
    *,
    init: str | None = None,
    resume: bool = False,
    trainers: int = 1,
    workers: int = 0,
    device: str = "cpu",
    tell: Tell | None = None,
    stop: threading.Event | None = None,
) -> Trained:
    """Train a parser.

    Args:
        recipe: How.
        stream: Of samples: a function that can be sent to other processes.
        path: Of its file.
        init: Weights to begin with: a parser's file, or for ``segformer`` a folder, a file or a
            name on the hub.
        resume: Whether to go on with what ``FILE.state`` has.
        trainers: Processes that train, with a thread each.
        workers: Processes a trainer that make samples; 0: the trainer makes them.
        device: ``cpu`` or ``cuda``.
        tell: Is told what was done, and how much of all is done.
        stop: Once set, the run ends in good order.

    Raises:
        NotExtracted: The file is there already, there is no run to go on with, it is another one,
            or nothing can be written there.
        ParserSettings: It cannot be trained so.
        ParserStopped: The loss is no number any more, or a trainer has ended.
        BadWeights: ``init`` cannot be begun with.
    """
    job = Job(recipe, stream, path, workers, device)
    opened(job, init, resume, trainers)
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" else threads)
    try:
        with gathered(trainers, partial(_follow, job)) as meeting:
            run = _Run(job, 0, meeting, tell or (lambda _what, _done: None), stop)
            return run.all()
    finally:
        torch.set_num_threads(threads)


def _follow(job: Job, rank: int, meeting: Meeting) -> None:
    """What trainers do beside the first one."""
    _Run(job, rank, meeting, lambda _what, _done: None, None).all()


@dataclass
class _Run:
    """A run, as one of its trainers has it."""

    job: Job
    rank: int
    meeting: Meeting
    tell: Tell
    stop: threading.Event | None
    step: int = 0
    steps: int | None = None
    seconds: float = 0.0
    best: float | None = None
    tried: int = 0
    card: dict[str, Any] = field(default_factory=dict)
    _kept: dict[int, list[Batch]] = field(default_factory=dict)

    def all(self) -> Trained:
        """From where it is to its end, or to where it is stopped."""
        job, recipe = self.job, self.job.recipe
        state = load_state(job.state)
        self.step, self.seconds = state["step"], state["seconds"]
        self.best, self.tried, self.began = state["best"], state["tried"], state["began"]
        parser = fresh(recipe.shape, recipe.seed)
        self.learner = Learner(recipe, parser, torch.device(job.device))
        self.learner.load(state["learner"])
        self.steps = recipe.steps(self.meeting.trainers)
        self.begun = (time.monotonic(), self.step)
        self.saved = self.said = time.monotonic()
        stopped = not state["done"] and self._learn()
        if self.rank == 0:
            self._finish(stopped)
        self.meeting.agreed([0.0])  # nobody leaves before all is written
        return Trained(job.path, self.card, not stopped)

    def _learn(self) -> bool:
        """Steps until the end; whether it was stopped before."""
        recipe = self.job.recipe
        source = batches(self.job.stream, recipe, self.rank, self.step, self.job.workers)
        every = 1 if self.meeting.trainers == 1 else recipe.together
        began, before = time.monotonic(), self.seconds
        progress, loss = self._progress(), 0.0
        while progress < 1:
            loss = self.learner.step(self.step, progress, next(source), self.rank)
            self.step += 1
            if self.steps is not None:
                progress = self._progress()
            if self.step % every and progress < 1:
                continue
            self.meeting.share(self.learner.shared())
            mine = time.monotonic() - began + before if self.rank == 0 else 0.0
            asked = float(self.stop is not None and self.stop.is_set())
            asked, self.seconds = self.meeting.agreed([asked, mine])
            progress = self._progress()
            if self.rank == 0:
                self._look(progress, loss)
            if asked:
                return progress < 1
        return False

    def _progress(self) -> float:
        if self.steps is not None:
            return self.step / self.steps
        return self.seconds / (60.0 * (self.job.recipe.minutes or 1.0))

    def _look(self, progress: float, loss: float) -> None:
        """Now and then: say how it goes, write where it is, try it."""
        now = time.monotonic()
        due = int(progress * self.job.recipe.trials + 1e-9)
        if now - self.said >= TOLD_EVERY:
            self.said = now
            self.tell(self._line(progress, loss), min(progress, 1.0))
        if self.tried < due < self.job.recipe.trials:
            self._try(due)
        if now - self.saved >= SAVED_EVERY:
            self.saved = now
            self._save(done=False)

    def _line(self, progress: float, loss: float) -> str:
        each = self.job.recipe.batch * self.meeting.trainers
        rate = (self.step - self.begun[1]) * each / max(time.monotonic() - self.begun[0], 1e-9)
        took = self.seconds / max(progress, 1e-9) * (1 - progress) / 60
        return (f"{self.step * each:,} samples, {rate:.0f} a second, loss {loss:.3f}, "
                f"{max(took, 0):.0f} min left")  # fmt: skip

    def _try(self, due: int) -> None:
        """Hold it against styles that are held out; the best so far is the one in the file."""
        recipe = self.job.recipe
        parser = self.learner.averaged()
        calibrate(parser, read_batches(parser, self._held_out(CALIBRATING, recipe.held_out // 2)))
        found = by_kind(read_batches(parser, self._held_out(HELD_OUT, recipe.held_out)))
        figure, self.tried = found["all"].figure, due
        score = found["all"]
        self.tell(f"held-out styles: F1 {score.f1:.3f}, R2 {score.r2:.3f}, "
                  f"accuracy {score.accuracy:.4f} (always off {score.always_off:.4f})",
                  min(self._progress(), 1.0))  # fmt: skip
        if self.best is None or not figure <= self.best:
            self.best = figure
            save_parser(parser, self._card(found), self.job.path)

    def _held_out(self, which: int, count: int) -> list[Batch]:
        if which in self._kept:
            return self._kept[which]
        recipe = self.job.recipe
        samples = self.job.stream(recipe.seed * 65536 + which)
        size = min(recipe.batch, count)
        self._kept[which] = [
            together([next(samples) for _ in range(size)]) for _ in range(-(-count // size))
        ]
        return self._kept[which]

    def _card(self, found: dict[str, Any]) -> dict[str, Any]:
        recipe = self.job.recipe
        plain = recipe.plain()
        shape = plain.pop("shape")
        return {
            "recipe": plain, "shape": shape, "began": self.began, "steps": self.step,
            "samples": self.step * recipe.batch * self.meeting.trainers,
            "minutes": round(self.seconds / 60, 2),
            "trainers": self.meeting.trainers, "workers": self.job.workers,
            "device": self.job.device,
            "held_out": {name: each.plain() for name, each in found.items()},
        }  # fmt: skip

    def _finish(self, stopped: bool) -> None:
        if not stopped and self.tried < self.job.recipe.trials:
            self._try(self.job.recipe.trials)
        elif stopped and self.best is None:
            self._try(self.tried)
        self._save(done=not stopped)
        self.card = load_parser(self.job.path).card

    def _save(self, *, done: bool) -> None:
        save_state(self.job.state, {
            "recipe": told(self.job, self.meeting.trainers), "began": self.began,
            "step": self.step, "seconds": self.seconds, "best": self.best, "tried": self.tried,
            "done": done, "learner": self.learner.state(),
        })  # fmt: skip
