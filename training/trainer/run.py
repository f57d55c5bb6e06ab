"""``Run``: a run of training in this process, step by step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nitropilot.training.data.augment import Augmentation
from nitropilot.training.data.loading import Loader
from nitropilot.training.trainer.files import (
    BEST,
    NEWEST,
    STATE,
    save_adapted,
    save_checkpoint,
    save_facts,
    save_state,
)
from nitropilot.training.trainer.logs import Log, score_row
from nitropilot.training.trainer.outcome import Outcome, Told, Verdict, told_row
from nitropilot.training.trainer.preparing import facts_of
from nitropilot.training.trainer.same import bound, require_same_start
from nitropilot.training.trainer.scoring import Scores, score
from nitropilot.training.trainer.speed import Pace, memory_bytes, peak_of
from nitropilot.training.trainer.start import exported_config
from nitropilot.training.trainer.stepping import Stepped, Stepper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.processes.ranks import Ranks
    from nitropilot.training.trainer.config import TrainConfig
    from nitropilot.training.trainer.preparing import Prepared

    Judge = Callable[[Policy, Scores], Verdict]

GIB = 2**30


class Run:
    """A run in this process; see ``train``."""

    def __init__(
        self, config: TrainConfig, folder: Path, prepared: Prepared, judge: Judge, ranks: Ranks
    ) -> None:
        self.config, self.folder, self.prepared, self.judge = config, folder, prepared, judge
        self.ranks = ranks
        self.digest, self.base = prepared.dataset.digest(), prepared.policy.fingerprint
        ranks.require_same("data", self.digest)
        ranks.require_same("a policy", self.base)
        self.stepper = Stepper(prepared.policy, config, prepared.device, ranks)
        how = config.augment
        self.loader = Loader(
            prepared.dataset,
            prepared.learn,
            config.run.seed,
            config.run.batch_size,
            Augmentation(how.colour, how.crop, how.shift, how.blur, how.jpeg),
            ranks.part,
        )
        self.step, self.seconds, self.saved = 0, 0.0, -1
        self.best: float | None = None
        self.best_step: int | None = None
        self.losses: list[float] = []
        self.loss: float | None = None
        self.scores: Scores | None = None
        self.verdict: Verdict | None = None
        self.log: Log | None = None

    def close(self) -> None:
        """End the threads and close the files."""
        self.loader.__exit__(None, None, None)
        if self.log is not None:
            self.log.close()

    def kept(self) -> str:
        """What a failure leaves, for people."""
        if self.saved < 0:
            return "nothing was written"
        return f"{self.folder / STATE} holds step {self.saved}, the last good one"

    def go_on(self, state: dict[str, Any]) -> None:
        """Take up a run where it was left.

        Raises:
            OtherRun: It had other data, or began with another policy.
        """
        require_same_start(state, self.digest, self.base, self.folder)
        self.stepper.load(state["stepper"])
        self.step = self.saved = state["step"]
        self.seconds = state["seconds"]
        self.best, self.best_step = state["best"], state["best_step"]
        self.losses = list(state["losses"])

    def done(self) -> float:
        """How much of the run is done, 0 to 1."""
        shares = [0.0]
        if self.config.run.steps is not None:
            shares.append(self.step / self.config.run.steps)
        if self.config.run.minutes is not None:
            shares.append(self.seconds / (60 * self.config.run.minutes))
        return min(max(shares), 1.0)

    def to_the_end(self, tell: Callable[[Told], None], stopping: Callable[[], bool]) -> Outcome:
        """Step until the run is done or is to end."""
        run = self.config.run
        if self.ranks.first:
            self.log = Log(self.folder, self.step, run.tensorboard)
            save_facts(self.folder, facts_of(self.config, self.prepared))
        if self.saved < 0:
            self._save_state()  # so that there is always one, and a full disk is met at once
        pace = self._pace()
        ended = "done"
        while self.done() < 1.0:
            if self.ranks.any(stopping()):
                ended = "interrupted"
                break
            stepped = self._timed_step(pace)
            row: dict[str, float | int] = {}
            if self.step % run.validate_every == 0 or self.done() >= 1.0:
                row |= self._validate()
            if row or self.step % run.log_every == 0:
                row = self._row(stepped, pace) | row
                if self.log is not None:
                    self.log.add(row)
                tell(told_row(row, self.done(), self.verdict))
            if self.step % run.save_every == 0 or self.step % (run.keep_every or 2**62) == 0:
                self._save()
        if self.saved != self.step or self.done() >= 1.0:
            self._save()
        counts = len(self.prepared.learn), len(self.prepared.held_out)
        return Outcome(
            ended, self.step, self.seconds, self.loss, self.scores, self.best_step, counts,
            self.verdict, self.prepared.skipped,
        )  # fmt: skip

    def _pace(self) -> Pace:
        batch = self.loader.make(self.step).to(self.prepared.device)
        drawn = self.stepper.drawn(self.step, batch).to(self.prepared.device)
        return Pace(
            self.stepper.operations(batch, drawn),
            peak_of(self.prepared.device, self.config.run.precision) * self.ranks.count,
        )

    def _timed_step(self, pace: Pace) -> Stepped:
        start, waited = time.monotonic(), self.loader.waited_s
        batch = self.loader.take(self.step)
        stepped = self.stepper.step(self.step, self.done(), batch, self.prepared.dataset.named)
        self.step += 1
        self.losses.append(stepped.loss)
        seconds = time.monotonic() - start
        self.seconds = self.ranks.of_first(self.seconds + seconds)
        pace.add(self.config.run.batch_size, seconds, self.loader.waited_s - waited)
        return stepped

    def _row(self, stepped: Stepped, pace: Pace) -> dict[str, float | int]:
        self.loss = sum(self.losses) / len(self.losses)
        self.losses = []
        return {
            "step": self.step,
            "epoch": self.loader.epoch(self.step),
            "loss": self.loss,
            "learning_rate": stepped.learning_rate,
            "gradient_norm": stepped.gradient_norm,
            "seconds": self.seconds,
            "memory_gib": memory_bytes(self.prepared.device) / GIB,
            **pace.row(),
        }

    def _validate(self) -> dict[str, float]:
        samples = self.prepared.held_out[: self.config.run.validation_samples]
        if not len(samples):
            return {}
        start = time.monotonic()
        policy = self.playing()
        self.scores, self.verdict = self.ranks.by_first(lambda: self._judged(policy, samples))
        if self.best is None or self.verdict.good > self.best:
            self.best, self.best_step = self.verdict.good, self.step
            if self.ranks.first:
                save_checkpoint(policy, self.folder / BEST)
        self.seconds = self.ranks.of_first(self.seconds + time.monotonic() - start)
        return score_row(self.scores) | self.verdict.row

    def _judged(self, policy: Policy, samples: NDArray[np.int64]) -> tuple[Scores, Verdict]:
        scores = score(
            policy, self.prepared.dataset, samples.tolist(), self.stepper.times,
            self.config.run.batch_size, self.prepared.device,
        )  # fmt: skip
        return scores, self.judge(policy, scores)

    def playing(self) -> Policy:
        """The policy as it plays: with the averaged weights, and what it was trained for."""
        policy = self.stepper.average.policy(self.stepper.policy)
        flow, data = self.config.objective, self.prepared.dataset
        noise = (flow.noise_alpha, flow.noise_beta, flow.noise_s)
        policy.raw_config = exported_config(self.stepper.policy, data.hz, noise, data.games)
        return policy

    def _save(self) -> None:
        self._save_state()
        policy = self.playing()
        adapters = self.stepper.adapters(policy.raw_config)
        if not self.ranks.first:
            return
        if adapters is not None:
            save_adapted(adapters, self.folder)
        save_checkpoint(policy, self.folder / NEWEST)
        if self.config.run.keep_every and self.step % self.config.run.keep_every == 0:
            save_checkpoint(policy, self.folder / f"step_{self.step:08d}.safetensors")

    def _save_state(self) -> None:
        state = {
            "told": bound(self.config), "data": self.digest, "base": self.base, "step": self.step,
            "seconds": self.seconds, "best": self.best, "best_step": self.best_step,
            "losses": self.losses, "stepper": self.stepper.state(),
        }  # fmt: skip
        if self.ranks.first:
            save_state(self.folder, state)
        self.saved = self.step
