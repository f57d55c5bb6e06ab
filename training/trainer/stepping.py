"""``Stepper``: weights, optimiser and average, and one step of them at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from nitropilot.training.errors import LossNotFinite, NoMemory
from nitropilot.training.objective.draws import FLOW, Draw, Dropout, draw
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.optimise.ema import MovingAverage
from nitropilot.training.optimise.groups import adamw
from nitropilot.training.optimise.precision import autocast, recompute_blocks
from nitropilot.training.optimise.schedule import factor

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.batch import Batch
    from nitropilot.training.trainer.config import TrainConfig

NAMED = 3
"""Samples that a message names."""


class Stepped(NamedTuple):
    """What a step says of itself.

    Attributes:
        loss: Of its batch.
        gradient_norm: Before clipping.
        learning_rate: Of this step.
    """

    loss: float
    gradient_norm: float
    learning_rate: float


class Stepper:
    """Trains a policy.

    Args:
        policy: Its weights are changed.
        config: The run's.
        device: Where it computes.

    Attributes:
        average: The weights that play.
    """

    def __init__(self, policy: Policy, config: TrainConfig, device: torch.device) -> None:
        self.policy = policy.train()
        self.config = config
        self.device = device
        how, flow = config.optimiser, config.objective
        self.average = MovingAverage(policy, how.ema)
        self.optimiser = adamw(policy, how.learning_rate, how.weight_decay, (how.beta1, how.beta2))
        self.times = TimeDistribution(flow.noise_alpha, flow.noise_beta, flow.noise_s)
        self._dropout = Dropout(flow.game_dropout, flow.action_dropout)
        self._trained = [each for each in policy.parameters() if each.requires_grad]
        if config.run.recompute:
            recompute_blocks(policy)

    def drawn(self, step: int, batch: Batch) -> Draw:
        """What a step looks at its batch with: a pure function of seed and step."""
        shape = (len(batch), self.policy.horizon, self.policy.action_dim)
        return draw((self.config.run.seed, FLOW, step), shape, self.times, self._dropout)

    def step(
        self, step: int, done: float, batch: Batch, named: Callable[[int], str] = str
    ) -> Stepped:
        """One step.

        Args:
            step: How many were done before.
            done: How much of the run that is, 0 to 1.
            batch: What it learns from.
            named: Where a sample is, for people.

        Raises:
            LossNotFinite: The loss or its gradient is no number; no weight was changed.
            NoMemory: The batch does not fit; no weight was changed.
        """
        batch = batch.to(self.device)
        drawn = self.drawn(step, batch).to(self.device)
        try:
            loss = self._gradient(batch, drawn)
        except (MemoryError, RuntimeError) as error:
            if not _is_of_memory(error):
                raise
            loss = torch.empty(0)
        if not loss.numel():  # outside of the handler, which keeps what the failed try holds
            raise self._too_large(batch, drawn)
        norm = torch.nn.utils.clip_grad_norm_(self._trained, self.config.optimiser.clip)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise self._not_finite(step, float(loss), batch, drawn, named)
        rate = self._rate(step, done)
        self.optimiser.step()
        self.average.update(self.policy)
        return Stepped(float(loss), float(norm), rate)

    def _gradient(self, batch: Batch, drawn: Draw) -> torch.Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        with autocast(self.config.run.precision, self.device):
            loss = flow_loss(self.policy, batch, drawn)
        torch.autograd.backward(loss)
        return loss.detach()

    def _rate(self, step: int, done: float) -> float:
        how = self.config.optimiser
        rate = how.learning_rate * factor(step, done, how.warm_up, how.decay)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _not_finite(
        self, step: int, loss: float, batch: Batch, drawn: Draw, named: Callable[[int], str]
    ) -> LossNotFinite:
        self.optimiser.zero_grad(set_to_none=True)
        told = f"the loss is {loss}"
        what = "the gradient is not finite" if math.isfinite(loss) else told
        places = [named(sample) for sample in self._guilty(batch, drawn)]
        more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
        where = f": {', '.join(places[:NAMED])}{more}" if places else ""
        return LossNotFinite(f"{what} in step {step + 1}{where}", "take a smaller --learning-rate")

    @torch.no_grad()
    def _guilty(self, batch: Batch, drawn: Draw) -> list[int]:
        """The samples whose own loss is no number; if all are, it is not their fault."""
        found = []
        for place, sample in enumerate(batch.samples):
            one = batch.only(place), drawn.only(place)
            if not torch.isfinite(flow_loss(self.policy, *one)):
                found.append(sample)
        return found if len(found) < len(batch) else []

    def _too_large(self, batch: Batch, drawn: Draw) -> NoMemory:
        """Halve the batch until one fits."""
        size = len(batch)
        while (size := size // 2) > 0:
            try:
                self._gradient(batch.first(size), drawn.first(size))
            except (MemoryError, RuntimeError) as error:
                if not _is_of_memory(error):
                    raise
                continue
            break
        self.optimiser.zero_grad(set_to_none=True)
        said = f"a batch of {len(batch)} does not fit into memory"
        if size:
            return NoMemory(f"{said}, one of {size} does", f"give --batch-size {size}")
        return NoMemory(f"{said}, and not one of 1 either", "give --recompute, or a smaller policy")

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "weights": self.policy.state_dict(),
            "average": self.average.state(),
            "updates": self.average.updates,
            "optimiser": self.optimiser.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.policy.load_state_dict(state["weights"], strict=True)
        self.average.load(state["average"], state["updates"])
        self.optimiser.load_state_dict(state["optimiser"])


def _is_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "allocate memory" in str(error) or "not enough memory" in str(error)
    )
