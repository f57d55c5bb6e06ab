"""How much memory a step takes, computed without any: on tensors of shapes and no numbers.

    weights        4 bytes each; frozen ones too
    gradients      4 bytes of each that is trained
    moments        8 bytes of each that is trained (AdamW)
    average        4 bytes of each that is trained
    anchor         a copy of what is trained, unless adapters are
    activations    what there is besides at the end of the way there, for the way back

At the most there is what a step ever has at a time: there, back and the optimiser's own, with all
that is made on the way; or the validation behind it, with the policy that plays.  Every operation
of the real objective is followed, with autocast, recomputing and frozen parts as they are asked
for, and each tensor counts from when it is made to when nobody has it any more.  What is not
counted: frames, which lie in files, scratch within one operation, and what a card's driver and
libraries take for themselves, commonly half a gigabyte to one.
"""

from __future__ import annotations

import weakref
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nitropilot.policy.files.checkpoint import empty_policy
from nitropilot.policy.files.formats import read_checkpoint
from nitropilot.policy.naming import parse_random
from nitropilot.policy.network.policy import Policy
from nitropilot.training.batch import Batch
from nitropilot.training.errors import BadSettings
from nitropilot.training.objective.draws import Draw
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.trainer.preparing import narrow
from nitropilot.training.trainer.start import NAME_ONE, NO_POLICY, fresh_shape
from nitropilot.training.trainer.stepping import Stepper

if TYPE_CHECKING:
    from nitropilot.training.trainer.config import RunConfig, TrainConfig

WEIGHT = 4
"""Bytes of one, whatever products are computed in."""


@dataclass(frozen=True)
class Memory:
    """What a run takes in one process; see the module.

    Attributes:
        parameters: How many weights there are, those of adapters too.
        trained: How many of them are trained.
        weights: Bytes, as the rest.
    """

    parameters: int
    trained: int
    weights: int
    gradients: int
    moments: int
    average: int
    anchor: int
    activations: int
    most: int

    def facts(self) -> dict[str, int]:
        """The same as JSON has it."""
        return asdict(self)


def memory_of(config: TrainConfig) -> Memory:
    """What a run would take in one process; of the policy its shapes alone are read.

    Raises:
        TrainingError: The configuration cannot be followed.
        PolicyError: The policy cannot be read.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    shape = _shape_of(config.run)
    with FakeTensorMode(), Live() as live:
        policy = Policy(shape.config, shape.sizes)
        narrow(policy, config)
        stepper = Stepper(policy, config, torch.device("cpu"))
        for group in stepper.optimiser.param_groups:
            group["foreach"] = True  # as on a card, where it takes more
        batch, drawn = _made_up(policy, config.run.batch_size)
        held, ends = live.now, list[int]()
        stepper.objective.register_forward_hook(lambda *_: ends.append(live.now))
        for _ in range(2):  # in the second one there are moments
            stepper.gradient(batch, drawn)
            stepper.optimiser.step()
        playing = stepper.average.policy(policy)  # adapters are added to a copy of their layers
        with torch.no_grad():
            flow_loss(playing, batch, drawn)
    own = list(policy.parameters())
    every, trained = (
        sum(each.numel() for each in some)
        for some in (own, (each for each in own if each.requires_grad))
    )
    return Memory(
        every, trained, WEIGHT * every, WEIGHT * trained, 2 * WEIGHT * trained, WEIGHT * trained,
        WEIGHT * trained if config.adapt.anchor and config.adapt.lora is None else 0,
        ends[0] - held, live.most,
    )  # fmt: skip


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch says no type
    """Counts the bytes of tensors, from the operation that makes one to when nobody has it.

    Attributes:
        now: Bytes that there are.
        most: That there ever were.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # nor here
        self.now = self.most = 0
        self._storages: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Follow one operation."""
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, torch.Tensor) and each.device.type != "meta":
                self._count(each.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._storages:
            return

        def gone(_: Any) -> None:
            del self._storages[key]
            self.now -= size

        self._storages[key] = weakref.ref(storage, gone)
        self.now += size
        self.most = max(self.most, self.now)


def _shape_of(run: RunConfig) -> Policy:
    """A policy without weights.

    Raises:
        BadSettings: None is named.
    """
    if not run.policy:
        raise BadSettings(NO_POLICY, NAME_ONE)
    chosen = parse_random(run.policy)
    if chosen is None:
        return empty_policy(read_checkpoint(run.policy))
    _, config, sizes = fresh_shape(chosen[0], run, ())
    with torch.device("meta"):
        return Policy(config, sizes)


def _made_up(policy: Policy, size: int) -> tuple[Batch, Draw]:
    """A batch of the right shapes."""
    side, chunk = policy.image_size, (size, policy.horizon, policy.action_dim)
    frames = torch.zeros(size, policy.frames, 3, side, side, dtype=torch.uint8)
    games = torch.zeros(size, dtype=torch.long) if policy.sizes.game_rows else None
    batch = Batch(frames, torch.zeros(chunk), torch.ones(chunk), None, games, tuple(range(size)))
    hidden = torch.zeros(size, dtype=torch.bool), torch.zeros(chunk[:2], dtype=torch.bool)
    return batch, Draw(torch.zeros(chunk), torch.zeros(size), *hidden)
