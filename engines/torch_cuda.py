"""``TorchCudaEngine``: a whole chunk as one CUDA graph, on NVIDIA cards and on ROCm's torch.

At a batch of one the limit is how fast weights can be read (about 3.7 GB a chunk of the
published policy in bfloat16), and a chunk is some 1,500 kernels of a few microseconds:
launched one by one, the processor would be the bottleneck.  The graph is captured once
for each number of frames and sequences, on static buffers, and replayed after the inputs
were copied from pinned memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engines.base import ActionChunk, Engine, EngineInfo
from engines.batch import chunks_of, make_batch
from engines.errors import EngineUnavailable, InferenceFailed
from engines.torch_engine import failure, policy_spec
from policy import open_policy
from policy.graph import FramePart, SamplerPart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from engines.base import Request
    from engines.batch import Batch
    from engines.wish import Wish
    from policy.network import Policy

WARM_UPS = 3
"""Runs before a capture: libraries choose and load their kernels in the first ones."""
DTYPES = {"auto": torch.bfloat16, "bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, eq=False)
class _Captured:
    """A graph with its buffers.

    Attributes:
        replay: Runs it.
        pinned: Inputs in the host's pinned memory, in the graph's order.
        inputs: The same on the device.
        actions: The answer on the device, and pinned on the host.
        marks: Events before the vision, after it, and at the end.
    """

    replay: Callable[[], None]
    pinned: list[Tensor]
    inputs: list[Tensor]
    actions: tuple[Tensor, Tensor]


class TorchCudaEngine(Engine):
    """Runs a policy on a CUDA device.

    Args:
        policy: The policy, in float32, on the processor; it is not changed.
        reason: Why this engine was chosen.
        dtype: ``torch.bfloat16`` or ``torch.float32``.
        max_batch: Most requests at once.
        compiled: Fuse kernels with torch.compile (needs Triton; the first chunk of each
            shape then takes a minute).
        device: The device.
    """

    def __init__(
        self,
        policy: Policy,
        reason: str = "asked for",
        dtype: torch.dtype = torch.bfloat16,
        max_batch: int = 8,
        compiled: bool = False,
        device: str = "cuda",
    ) -> None:
        self.spec = policy_spec(policy)
        self.max_batch = max_batch
        self._device = torch.device(device)
        name = torch.cuda.get_device_name(self._device)
        fused = ", compiled" if compiled else ""
        precision = str(dtype).removeprefix("torch.")
        self.info = EngineInfo("torch", f"cuda ({name}), CUDA graph{fused}", precision, reason)
        frames = FramePart(policy, dtype).to(self._device)
        sampler = SamplerPart(policy, dtype).to(self._device)
        self._parts: tuple[Callable[..., Tensor], Callable[..., Tensor]] | None = (frames, sampler)
        if compiled:
            mode = "max-autotune-no-cudagraphs"
            self._parts = (
                torch.compile(frames, mode=mode, dynamic=False),
                torch.compile(sampler, mode=mode, dynamic=False),
            )
        self._captured: dict[tuple[int, int], _Captured] = {}

    @torch.inference_mode()
    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``; the first one of a shape captures its graph."""
        began = time.perf_counter()
        batch = make_batch(self.spec, requests, self.max_batch)
        ready = time.perf_counter()
        try:
            actions = self._run(batch)
        except RuntimeError as error:  # out of memory, a lost device
            raise failure(f"torch on {self._device}", error) from error
        seconds = {"preprocess": ready - began, "inference": time.perf_counter() - ready}
        return chunks_of(actions.numpy(), batch.size, seconds)

    def close(self) -> None:
        """Free the graphs and the weights."""
        self._captured.clear()
        self._parts = None
        torch.cuda.empty_cache()

    def _run(self, batch: Batch) -> Tensor:
        key = (batch.images.shape[0], batch.order.shape[0])
        if key not in self._captured:
            self._captured[key] = self._capture(batch)
        captured = self._captured[key]
        with torch.cuda.device(self._device):
            for array, pinned, there in zip(
                _arrays(batch), captured.pinned, captured.inputs, strict=True
            ):
                pinned.copy_(array)
                there.copy_(pinned, non_blocking=True)
            captured.replay()
            there, here = captured.actions
            here.copy_(there, non_blocking=True)
            torch.cuda.current_stream().synchronize()
        return here

    def _capture(self, batch: Batch) -> _Captured:
        """Warm up on a stream of its own, then record one chunk."""
        if self._parts is None:
            raise InferenceFailed("the engine is closed", "load the policy again")
        frames, sampler = self._parts
        pinned = [array.pin_memory() for array in _arrays(batch)]
        inputs = [array.to(self._device) for array in pinned]

        def chunk() -> Tensor:
            images, order, *rest = inputs
            noise, prefix, weights, mix = rest
            return sampler(noise, frames(images, order), prefix, weights, mix)

        with torch.cuda.device(self._device):
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    chunk()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                actions = chunk()
            return _Captured(
                graph.replay,
                pinned,
                inputs,
                (actions, torch.empty_like(actions, device="cpu").pin_memory()),
            )


def _arrays(batch: Batch) -> list[Tensor]:
    """The graph's inputs in its order."""
    arrays = (batch.images, batch.order, batch.noise, batch.prefix, batch.weights, batch.mix)
    return [torch.from_numpy(array) for array in arrays]


def available(device: str) -> str:
    """The card's name."""
    if not torch.cuda.is_available():
        raise EngineUnavailable(
            f"torch {torch.__version__} finds no CUDA device",
            "install the CUDA build of torch and a driver, or use --device cpu",
        )
    return f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}"


def open_engine(wish: Wish, reason: str) -> TorchCudaEngine:
    """The policy on the first card."""
    if wish.precision not in DTYPES:
        raise EngineUnavailable(
            f"torch on cuda does not compute in {wish.precision}", f"use {', '.join(DTYPES)}"
        )
    try:
        policy = open_policy(wish.policy)
        return TorchCudaEngine(policy, reason, DTYPES[wish.precision], wish.max_batch)
    except RuntimeError as error:
        raise failure("torch on cuda", error) from error
