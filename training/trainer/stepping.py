"""``Stepper``: weights, optimiser and average, and one step of them at a time."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from nitropilot.policy.files.adapters import Adapters
from nitropilot.training.errors import LossNotFinite, NoMemory
from nitropilot.training.objective.anchor import Anchor
from nitropilot.training.objective.draws import FLOW, Draw, Dropout, draw
from nitropilot.training.objective.flow import LEAST_WEIGHT
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.objective.total import Objective, Shares
from nitropilot.training.optimise.ema import MovingAverage
from nitropilot.training.optimise.groups import adamw
from nitropilot.training.optimise.lora import adapters_of
from nitropilot.training.optimise.precision import autocast, recompute_blocks
from nitropilot.training.optimise.schedule import factor
from nitropilot.training.processes.ranks import ALONE, talking
from nitropilot.training.processes.sharing import copied, part_like, split, whole, whole_tree
from nitropilot.training.trainer.speed import operations_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.batch import Batch
    from nitropilot.training.processes.ranks import Ranks
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
        ranks: Who else trains it.

    Attributes:
        average: The weights that play.
        objective: What is minimised, in this process.
    """

    def __init__(
        self, policy: Policy, config: TrainConfig, device: torch.device, ranks: Ranks = ALONE
    ) -> None:
        self.policy = policy.train()
        self.config = config
        self.device = device
        self.ranks = ranks
        how, flow = config.optimiser, config.objective
        self.is_split = config.run.fsdp and ranks.count > 1
        weight = config.adapt.anchor
        anchor = Anchor(policy, weight, apart=self.is_split) if weight else None
        if config.run.recompute:
            recompute_blocks(policy)
        self.objective = Objective(policy, anchor)
        self._shared = (
            split(self.objective, policy, ranks, device)
            if self.is_split
            else copied(self.objective, ranks)
        )
        self.average = MovingAverage(policy, how.ema)
        self.optimiser = adamw(policy, how.learning_rate, how.weight_decay, (how.beta1, how.beta2))
        self.times = TimeDistribution(flow.noise_alpha, flow.noise_beta, flow.noise_s)
        self._dropout = Dropout(flow.game_dropout, flow.action_dropout)
        self._in_order = [each for its in self.optimiser.param_groups for each in its["params"]]
        self._trained = [each for each in policy.parameters() if each.requires_grad]

    def drawn(self, step: int, batch: Batch) -> Draw:
        """What a step looks at its batch with: a pure function of seed and step.

        Of several processes each looks at its rows with what one process would look at them with.
        """
        size = len(batch) if self.ranks.count == 1 else self.config.run.batch_size
        shape = (size, self.policy.horizon, self.policy.action_dim)
        drawn = draw((self.config.run.seed, FLOW, step), shape, self.times, self._dropout)
        return drawn.rows(self.ranks.part)

    def operations(self, batch: Batch, drawn: Draw) -> float:
        """Floating-point operations of one sample, there and back."""
        return operations_of(
            self._shared if self.is_split else self.objective, batch, drawn, Shares()
        )

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
            PeerLost: Another process of the run has ended.
        """
        batch = batch.to(self.device)
        drawn = self.drawn(step, batch).to(self.device)
        try:
            with talking() if self.ranks.count > 1 else nullcontext():
                loss = self._gradient(self._shared, batch, drawn, self._shares(batch))
        except (MemoryError, RuntimeError) as error:
            if not _is_of_memory(error):
                raise
            loss = torch.empty(0)
        if not loss.numel():  # outside of the handler, which keeps what the failed try holds
            raise self._too_large(batch, drawn)
        norm = whole(torch.nn.utils.clip_grad_norm_(self._trained, self.config.optimiser.clip))
        if self.ranks.count > 1:
            loss = torch.tensor(self.ranks.sums(float(loss))[0] / self.ranks.count)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise self._not_finite(step, float(loss), batch, drawn, named)
        rate = self._rate(step, done)
        self.optimiser.step()
        self.average.update(self.policy)
        return Stepped(float(loss), float(norm), rate)

    def gradient(self, batch: Batch, drawn: Draw) -> torch.Tensor:
        """The loss of a batch on the device, in this process alone; weights have its gradient."""
        return self._gradient(self.objective, batch, drawn, Shares())

    def _shares(self, batch: Batch) -> Shares:
        """How much this process's errors count, so that the mean over all is that of one process.

        Each is a mean over its own rows; rows differ in what they count, and processes by a row.
        """
        count = self.ranks.count
        if count == 1:
            return Shares()
        weight = float(batch.weights.sum())
        weights, rows = self.ranks.sums(weight, len(batch))
        return Shares(weight * count / max(weights, LEAST_WEIGHT), len(batch) * count / rows)

    def _gradient(
        self, objective: torch.nn.Module, batch: Batch, drawn: Draw, shares: Shares
    ) -> torch.Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        with autocast(self.config.run.precision, self.device):
            loss: torch.Tensor = objective(batch, drawn, shares)
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
        guilty = [] if self.is_split else self._guilty(batch, drawn)  # whose parts have no whole
        places = self.ranks.lists([named(sample) for sample in guilty])
        more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
        where = f": {', '.join(places[:NAMED])}{more}" if places else ""
        return LossNotFinite(f"{what} in step {step + 1}{where}", "take a smaller --learning-rate")

    @torch.no_grad()
    def _guilty(self, batch: Batch, drawn: Draw) -> list[int]:
        """The samples whose own loss is no number; if all are, it is not their fault."""
        found = []
        for place, sample in enumerate(batch.samples):
            if not torch.isfinite(self.objective(batch.only(place), drawn.only(place), Shares())):
                found.append(sample)
        return found if len(found) < len(batch) else []

    def _too_large(self, batch: Batch, drawn: Draw) -> NoMemory:
        """Halve the batch until one fits; not of several processes, which would have to agree."""
        size = len(batch) if self.ranks.count == 1 else 0
        while (size := size // 2) > 0:
            try:
                self.gradient(batch.first(size), drawn.first(size))
            except (MemoryError, RuntimeError) as error:
                if not _is_of_memory(error):
                    raise
                continue
            break
        self.optimiser.zero_grad(set_to_none=True)
        said = f"a batch of {len(batch)} does not fit into memory"
        if size:
            return NoMemory(f"{said}, one of {size} does", f"give --batch-size {size}")
        if self.ranks.count > 1:  # on the way back the others would be waited for
            return NoMemory(f"{said} of one process", "give a smaller --batch-size, or --recompute")
        return NoMemory(f"{said}, and not one of 1 either", "give --recompute, or a smaller policy")

    def adapters(self, config: dict[str, Any]) -> Adapters | None:
        """The averaged adapters; None without any.  All processes have to ask.

        Args:
            config: ``ckpt_config`` of what they make of their base.
        """
        layers = [*adapters_of(self.policy).values()]
        if not layers:
            return None
        tensors = {name: whole(value) for name, value in self.average.state().items()}
        return Adapters(self.policy.fingerprint, layers[0].scale, config, tensors)

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on, whole; all processes have to ask.

        Weights that are frozen are those of the policy that it began with.
        """
        average = self.average.state()
        state = {
            "weights": {n: w for n, w in self.policy.state_dict().items() if n in average},
            "average": average,
            "updates": self.average.updates,
            "optimiser": self.optimiser.state_dict(),
        }
        return whole_tree(state) if self.is_split else state

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        own = self.policy.state_dict()
        weights = {name: part_like(value, own[name]) for name, value in state["weights"].items()}
        frozen = own.keys() - self.average.state().keys()
        self.policy.load_state_dict({n: own[n] for n in frozen} | weights, strict=True)
        self.average.load(state["average"], state["updates"])
        for number, moments in state["optimiser"]["state"].items():
            for name, value in moments.items():
                if value.ndim:
                    moments[name] = part_like(value, self._in_order[number])
        self.optimiser.load_state_dict(state["optimiser"])


def _is_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "allocate memory" in str(error) or "not enough memory" in str(error)
    )
