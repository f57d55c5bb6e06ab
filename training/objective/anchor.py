"""``Anchor``: the policy that is trained stays near the one it began as, on the same inputs.

    L = flow error + W mean (v' - v_base)^2

Recordings of one person hold what that person does.  What they never press is taught as never to
be pressed, however rare and right it was; channels that the data never uses may count less
(``unused_weight``), but then nothing teaches them at all and they drift.  The distance to the
base's velocity holds them, as that to the base's distribution does for language models
(Ziegler et al. 2019); for flow matching it is the distillation loss of Li and Hoiem (2016,
"Learning without Forgetting") on velocities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from nitropilot.policy.network.policy import Policy
from nitropilot.training.objective.flow import answered, flow_error
from nitropilot.training.optimise.lora import adapters_of, without_adapters

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.training.batch import Batch
    from nitropilot.training.objective.draws import Draw


class Anchor:
    """What a policy is held near to: itself as it is now.

    Args:
        policy: Before its first step.  With adapters it is its own base, without them; otherwise
            a copy is kept, which shares the weights that are frozen.
        weight: How much the distance counts beside the flow's error.
        apart: Share nothing: the policy's own weights will be spread over processes.
    """

    def __init__(self, policy: Policy, weight: float, *, apart: bool = False) -> None:
        self.weight = weight
        self.base: Policy | None = None
        if adapters_of(policy):
            return
        learns = {name for name, each in policy.named_parameters() if apart or each.requires_grad}
        with torch.device("meta"):
            base = Policy(policy.config, policy.sizes)
        weights = {
            name: weight.clone() if name in learns else weight
            for name, weight in policy.state_dict().items()
        }
        base.load_state_dict(weights, strict=True, assign=True)
        self.base = base.requires_grad_(False).eval()

    def errors(self, policy: Policy, batch: Batch, draw: Draw) -> tuple[Tensor, Tensor]:
        """The flow's error, and the mean square of the distance to the base, over all channels."""
        answer = answered(policy, batch, draw)
        distance = (answer - self.answer(policy, batch, draw)).square().mean()
        return flow_error(answer, batch, draw), distance

    @torch.no_grad()
    def answer(self, policy: Policy, batch: Batch, draw: Draw) -> Tensor:
        """What the base answers, ``B x T x A``."""
        if self.base is not None:
            return answered(self.base, batch, draw)
        with without_adapters(policy):
            return answered(policy, batch, draw)
