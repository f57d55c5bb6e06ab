"""``TorchEngine``: the sampler graph in plain PyTorch, on the processor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from nitropilot.engines.base import SMALL, ActionChunk, Engine, EngineInfo
from nitropilot.engines.batch import chunks_of, make_batch
from nitropilot.engines.errors import EngineUnavailable, InferenceFailed, OutOfMemory
from nitropilot.engines.spec import policy_spec
from nitropilot.policy import open_policy
from nitropilot.policy.network.graph import FramePart, SamplerPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from nitropilot.engines.base import Array, Request
    from nitropilot.engines.wish import Wish
    from nitropilot.policy.network.policy import Policy


class TorchEngine(Engine):
    """Runs a policy on the processor.

    Args:
        policy: The policy, in float32; its weights are shared, not changed.
        reason: Why this engine was chosen, for status and doctor.
        dtype: ``torch.float32`` or ``torch.bfloat16``.
        max_batch: Most requests at once.
    """

    def __init__(
        self,
        policy: Policy,
        reason: str = "asked for",
        dtype: torch.dtype = torch.float32,
        max_batch: int = 8,
    ) -> None:
        self.spec = policy_spec(policy)
        self.max_batch = max_batch
        size = sum(parameter.numel() for parameter in policy.parameters())
        self._threads = 1 if size < SMALL else torch.get_num_threads()
        place = f"cpu, {self._threads} thread{'s' if self._threads > 1 else ''}"
        self.info = EngineInfo("torch", place, str(dtype).removeprefix("torch."), reason)
        self._parts: tuple[FramePart, SamplerPart] | None = (
            FramePart(policy, dtype),
            SamplerPart(policy, dtype),
        )

    @torch.inference_mode()
    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``."""
        if self._parts is None:
            raise InferenceFailed("the engine is closed", "load the policy again")
        frames, sampler = self._parts
        torch.set_num_threads(self._threads)  # belongs to the calling thread
        began = time.perf_counter()
        batch = make_batch(self.spec, requests, self.max_batch)
        ready = time.perf_counter()
        try:
            kvs = frames(_tensor(batch.images), torch.from_numpy(batch.order))
            seen = time.perf_counter()
            sampled = sampler(
                _tensor(batch.noise), kvs, _tensor(batch.prefix), _tensor(batch.weights),
                _tensor(batch.mix),
            )  # fmt: skip
            actions = sampled.numpy()
        except RuntimeError as error:
            raise failure("torch on cpu", error) from error
        seconds = {
            "preprocess": ready - began,
            "vision": seen - ready,
            "sampler": time.perf_counter() - seen,
        }
        return chunks_of(actions, batch.size, seconds)

    def close(self) -> None:
        """Drop the weights."""
        self._parts = None


def failure(where: str, error: RuntimeError) -> InferenceFailed:
    """What torch raised, in one line; ``OutOfMemory`` when it was that."""
    reason = str(error).split("\n")[0]
    full = isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in reason
    return (OutOfMemory if full else InferenceFailed)(f"{where}: {reason}")


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(array)


DTYPES = {"auto": torch.float32, "float32": torch.float32, "bfloat16": torch.bfloat16}


def available(device: str) -> str:
    """What it would run on, and how fast where that is known."""
    from nitropilot.engines.speeds import speeds_here  # a rented card's machine lacks what it needs

    speeds = speeds_here(measure=False)
    if speeds is None or "torch" not in speeds.chunk_ms:
        return f"torch {torch.__version__}"
    return f"torch {torch.__version__}, {speeds.precision('torch')} ({speeds.of('torch')})"


def open_engine(wish: Wish, reason: str) -> TorchEngine:
    """The policy on the processor; bfloat16 is emulated, and slow, where it has none."""
    if wish.precision not in DTYPES:
        raise EngineUnavailable(
            f"torch on cpu does not compute in {wish.precision}", f"use {', '.join(DTYPES)}"
        )
    try:
        policy = open_policy(wish.policy, steps=wish.steps)
        return TorchEngine(policy, reason, DTYPES[wish.precision], max(wish.max_batch, 1))
    except RuntimeError as error:
        raise failure("torch on cpu", error) from error
