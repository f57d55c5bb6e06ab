"""``Learner``: the weights, their two optimisers and their average, and one step of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from nitropilot.pocket.learning.network import Charter, Head, fresh
from nitropilot.pocket.learning.objective import (
    channel_weights,
    chart_error,
    flow_error,
    head_error,
    look,
)
from nitropilot.pocket.learning.together import share
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.optimise.ema import MovingAverage
from nitropilot.training.optimise.muon import Muon
from nitropilot.training.optimise.schedule import factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.pocket.learning.batches import Taught
    from nitropilot.pocket.recipe import Recipe

WARM_UP = 50
CLIP = 1.0
WEIGHT_DECAY = 0.01
LOOKS = 13
"""Stream of random numbers; see ``training.objective.draws``."""


class Learner:
    """Trains the pocket policy in one process.

    Args:
        recipe: How.
        used: Which channels the data uses.

    Attributes:
        policy: The network that is trained.
        average: Its weights as they play.
    """

    def __init__(self, recipe: Recipe, used: NDArray[np.bool_]) -> None:
        self.recipe = recipe
        self.policy = fresh(recipe.seed)
        self.head = Head(self.policy, int(used.sum()), recipe.seed + 1)
        self.charter = Charter(self.policy, recipe.seed + 2)
        self.average = MovingAverage(self.policy, recipe.ema)
        self._alone = round(recipe.early(recipe.head_share))
        self._used = torch.from_numpy(np.flatnonzero(used))
        self._weights = channel_weights(used, recipe.stick_weight)
        self._times = TimeDistribution()
        matrices, rest = _sorted_weights(self.policy)
        rest += [*self.head.parameters(), *self.charter.parameters()]
        self._optimisers: list[tuple[torch.optim.Optimizer, float]] = [
            (Muon(matrices, recipe.muon_rate, weight_decay=WEIGHT_DECAY), recipe.muon_rate),
            (torch.optim.AdamW(rest, recipe.adam_rate, weight_decay=0.0), recipe.adam_rate),
        ]
        self._all = [*matrices, *rest]

    def step(self, step: int, rank: int, taught: Taught) -> tuple[float, float]:
        """One step: the flow's error and the head's; the former is 0 while the heads are alone."""
        recipe = self.recipe
        alone = step < self._alone
        if step == self._alone:  # of what has not moved yet, an average would be of where it began
            self.average = MovingAverage(self.policy, recipe.ema)
        for optimiser, rate in self._optimisers:
            optimiser.zero_grad(set_to_none=True)
            now = rate * factor(step, step / recipe.steps, WARM_UP, recipe.decay)
            for group in optimiser.param_groups:
                group["lr"] = now
        context = self.policy.context(self.policy.image_tokens(taught.images))
        head = head_error(self.head, context, taught.actions, self._used)
        chart = chart_error(self.charter(context), taught.charts)
        flow = torch.zeros(())
        if not alone:
            rng = np.random.default_rng((recipe.seed, LOOKS, rank, step))
            batch, horizon, channels = taught.actions.shape
            seen = look(rng, batch, recipe.times, horizon, channels, self._times)
            flow = flow_error(self.policy, context, taught.actions, self._weights, seen)
        beside = head + recipe.chart_weight * chart
        torch.autograd.backward(flow + beside * (1.0 if alone else recipe.head_weight))
        nn.utils.clip_grad_norm_(self._all, CLIP)
        for optimiser, _ in self._optimisers:
            optimiser.step()
        self.average.update(self.policy)
        return float(flow.detach()), float(head.detach())

    def meet(self) -> None:
        """Take the average of all processes, of the weights and of what plays."""
        share([each.detach() for each in self._all])
        share(self.average.state().values())

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "policy": self.policy.state_dict(),
            "head": self.head.state_dict(),
            "charter": self.charter.state_dict(),
            "average": self.average.state(),
            "updates": self.average.updates,
            "optimisers": [optimiser.state_dict() for optimiser, _ in self._optimisers],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.policy.load_state_dict(state["policy"])
        self.head.load_state_dict(state["head"])
        self.charter.load_state_dict(state["charter"])
        self.average.load(state["average"], state["updates"])
        for (optimiser, _), kept in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)


def _sorted_weights(policy: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices between layers, for Muon, and everything else."""
    inner = {id(each.weight) for each in policy.modules() if isinstance(each, nn.Linear)}
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for parameter in policy.parameters():
        (matrices if id(parameter) in inner else rest).append(parameter)
    return matrices, rest
