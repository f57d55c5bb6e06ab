"""``Learner``: a network, its optimiser and its average, and one step of them."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from nitropilot.dataset.errors import ParserStopped
from nitropilot.dataset.parsing.network import Parser
from nitropilot.dataset.teaching.batches import recoloured
from nitropilot.dataset.teaching.objective import losses

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

    from nitropilot.dataset.teaching.batches import Batch
    from nitropilot.dataset.teaching.presets import Recipe

CLIP = 5.0
LOWEST = 0.01
"""Of the learning rate, at the end."""
COLOURS = 29
"""Stream of random numbers."""


class Learner:
    """Trains a network in one process.

    Args:
        recipe: How.
        parser: What is trained.
        device: Where.

    Attributes:
        parser: The same.
        average: Its weights, averaged over the last steps: these are what is kept (Polyak).
    """

    def __init__(self, recipe: Recipe, parser: Parser, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.parser = parser.to(device).train()
        self.average = {name: each.detach().clone() for name, each in self._kept()}
        matrices = [each for each in parser.parameters() if each.ndim > 1]
        rest = [each for each in parser.parameters() if each.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": rest, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(groups, recipe.rate, weight_decay=recipe.weight_decay)

    def step(self, number: int, progress: float, batch: Batch, rank: int = 0) -> float:
        """One step.

        Args:
            number: Which.
            progress: How much of the run is over, 0 to 1.
            batch: Of samples.
            rank: Which of the trainers.

        Returns:
            What was minimised.

        Raises:
            ParserStopped: It is no number any more.
        """
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, COLOURS, rank, number))
        batch = recoloured(batch, recipe.recolour, rng).to(self.device)
        rate = recipe.rate * min((number + 1) / recipe.warm_up, 1.0) * falling(progress)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        with self._narrow():
            answer = self.parser(batch.pictures, batch.reference)
        loss = losses(answer, batch, dense=recipe.dense > 0).total(recipe.dense)
        torch.autograd.backward(loss)
        size = nn.utils.clip_grad_norm_(self.parser.parameters(), CLIP)
        value = float(loss.detach())
        if not math.isfinite(value) or not math.isfinite(float(size)):
            raise ParserStopped(
                f"the loss is {value} after {number} steps",
                "what was written before stays; begin anew with another --seed or a lower rate",
            )
        self._optimiser.step()
        self._follow(number)
        return value

    @torch.no_grad()
    def _follow(self, number: int) -> None:
        # At first the average is of few steps, or it would be of where it began.
        keep = min(self.recipe.average, (number + 1) / (number + 10))
        for name, each in self._kept():
            self.average[name].lerp_(each.detach(), 1 - keep)

    def averaged(self) -> Parser:
        """A network with the averaged weights, in evaluation mode."""
        parser = Parser(self.parser.shape).to(self.device)
        parser.load_state_dict({**self.parser.state_dict(), **self.average})
        return parser.eval()

    def shared(self) -> list[Tensor]:
        """All that trainers who meet take the average of."""
        weights = [each.detach() for _, each in self._kept()]
        moments = [
            value
            for state in self._optimiser.state.values()
            for name, value in state.items()
            if name != "step"
        ]
        return [*weights, *self.average.values(), *moments]

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "parser": self.parser.state_dict(), "average": self.average,
            "optimiser": self._optimiser.state_dict(),
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.parser.load_state_dict(state["parser"])
        for name, each in self.average.items():
            each.copy_(state["average"][name])
        self._optimiser.load_state_dict(state["optimiser"])

    def _kept(self) -> list[tuple[str, Tensor]]:
        """Weights and running means, by name."""
        every = [*self.parser.named_parameters(), *self.parser.named_buffers()]
        own = self.parser.state_dict().keys()
        return [(name, each) for name, each in every if each.is_floating_point() and name in own]

    def _narrow(self) -> AbstractContextManager[Any]:
        """Products in bfloat16, where there is a GPU for it."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()


def falling(progress: float) -> float:
    """The learning rate's share: whole for a third of the run, then along half a cosine."""
    late = min(max((progress - 1 / 3) / (2 / 3), 0.0), 1.0)
    return LOWEST + (1 - LOWEST) * 0.5 * (1 + math.cos(math.pi * late))
