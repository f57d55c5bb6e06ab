"""``TorchCudaEngine``: a chunk as one CUDA graph, on NVIDIA cards and on ROCm's torch.

At a batch of one the limit is how fast weights can be read (about 3.8 GB a chunk of the
published policy in bfloat16), and a chunk is some 1,800 kernels of a few microseconds:
launched one by one, the processor would be the bottleneck.  So what the frames decide and
all K steps are captured in one graph, once for each number of frames and sequences, on
static buffers, and replayed after the inputs were copied from pinned memory.

``fused`` kernels (``engines.pytorch.fused``) are used where they were prepared beforehand.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.engines.base import ActionChunk, Engine, EngineInfo
from nitropilot.engines.batch import chunks_of, make_batch
from nitropilot.engines.errors import EngineUnavailable, InferenceFailed, OutOfMemory
from nitropilot.engines.pytorch.engine import failure
from nitropilot.engines.spec import policy_spec
from nitropilot.policy import open_policy
from nitropilot.policy.network.graph import FramePart, SamplerPart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from nitropilot.engines.base import Request
    from nitropilot.engines.batch import Batch
    from nitropilot.engines.wish import Wish
    from nitropilot.policy.network.policy import Policy

log = logging.getLogger("nitropilot.engines")

WARM_UPS = 3
"""Runs before a capture: libraries choose and load their kernels in the first ones."""
DTYPES = {"auto": torch.bfloat16, "bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, eq=False)
class _Captured:
    """The graph for one number of frames and sequences, with its buffers.

    Attributes:
        replay: Computes a chunk.
        pinned: Inputs in the host's pinned memory, in the order of ``_arrays``.
        inputs: The same on the device.
        answer: Actions on the device, and pinned on the host.
    """

    replay: Callable[[], None]
    pinned: list[Tensor]
    inputs: list[Tensor]
    answer: tuple[Tensor, Tensor]


def record(run: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Capture what ``run`` launches; returns what replays it, and where its result will be.

    It is run a few times before, on a stream of its own as a capture demands.  Another
    thread may use the card meanwhile (another policy that is loading): only calls of this
    thread that cannot be captured are errors.
    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        result = run()
    return graph.replay, result


class TorchCudaEngine(Engine):
    """Runs a policy on a CUDA device.

    Args:
        policy: The policy, in float32, on the processor; it is not changed.
        reason: Why this engine was chosen.
        dtype: ``torch.bfloat16`` or ``torch.float32``.
        max_batch: Most requests at once.
        fused: Fuse kernels with torch.compile; the first chunk of each shape then takes a
            minute, or seconds once it was done before.
        device: The device.
    """

    _record = staticmethod(record)

    def __init__(
        self,
        policy: Policy,
        reason: str = "asked for",
        dtype: torch.dtype = torch.bfloat16,
        max_batch: int = 8,
        fused: bool = False,
        device: str = "cuda",
    ) -> None:
        self.spec = policy_spec(policy)
        self.max_batch = max_batch
        self._device = torch.device(device)
        name = torch.cuda.get_device_name(self._device)
        words = ", fused kernels" if fused else ""
        precision = str(dtype).removeprefix("torch.")
        self.info = EngineInfo("torch", f"cuda ({name}), CUDA graph{words}", precision, reason)
        frames = FramePart(policy, dtype).to(self._device)
        sampler = SamplerPart(policy, dtype).to(self._device)
        if fused:
            from nitropilot.engines.pytorch.fused import fuse

            fuse(frames, sampler)
        self._parts: tuple[FramePart, SamplerPart] | None = (frames, sampler)
        self._captured: dict[tuple[int, int], _Captured] = {}
        self._begin, self._end = _mark(), _mark()
        # Inside the graph, between the vision and the sampler; HIP's graphs take no time there.
        self._between = None if torch.version.hip else _mark(external=True)

    @torch.inference_mode()
    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``; the first one of a shape captures its graph.

        ``vision`` and ``sampler`` (on ROCm their sum, ``inference``) are the card's own
        times; ``transfer`` is everything else between the batch and the actions: copies,
        the launch, waiting.
        """
        began = time.perf_counter()
        batch = make_batch(self.spec, requests, self.max_batch)
        ready = time.perf_counter()
        seconds = {"preprocess": ready - began}
        try:
            with torch.cuda.device(self._device):
                captured = self._graph(batch)
                if (now := time.perf_counter()) - ready > 1e-3:
                    seconds["capture"] = now - ready
                    ready = now
                actions = self._replay(captured, batch)
                parts = self._parts_s()
        except RuntimeError as error:  # out of memory, a lost device
            raise failure(f"torch on {self._device}", error) from error
        rest = max(time.perf_counter() - ready - sum(parts.values()), 0.0)
        seconds |= {**parts, "transfer": rest}
        return chunks_of(actions.numpy(), batch.size, seconds)

    def warm_up_all(self) -> None:
        """One chunk for each number of frames that a game's first chunks may have."""
        spec, noise = self.spec, self.draw_noise(np.random.default_rng(0))
        grey = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
        for dropped in range(spec.frames):
            self.infer(grey, noise, dropped=dropped)

    def close(self) -> None:
        """Free the graphs and the weights."""
        self._captured.clear()
        self._parts = None
        torch.cuda.empty_cache()

    def _graph(self, batch: Batch) -> _Captured:
        if self._parts is None:
            raise InferenceFailed("the engine is closed", "load the policy again")
        key = (batch.images.shape[0], batch.order.shape[0])
        if key not in self._captured:
            self._captured[key] = self._capture(*self._parts, batch)
        return self._captured[key]

    def _replay(self, captured: _Captured, batch: Batch) -> Tensor:
        """Copy in, run, copy out, wait.  Everything is queued on the current stream."""
        for array, pinned, there in zip(
            _arrays(batch), captured.pinned, captured.inputs, strict=True
        ):
            pinned.copy_(array)
            there.copy_(pinned, non_blocking=True)
        self._begin.record()
        captured.replay()
        self._end.record()
        there, here = captured.answer
        here.copy_(there, non_blocking=True)
        torch.cuda.current_stream().synchronize()
        return here

    def _parts_s(self) -> dict[str, float]:
        """The card's times of the chunk that was just computed."""
        if self._between is None:
            return {"inference": self._begin.elapsed_time(self._end) / 1e3}
        return {
            "vision": self._begin.elapsed_time(self._between) / 1e3,
            "sampler": self._between.elapsed_time(self._end) / 1e3,
        }

    def _capture(self, frames: FramePart, sampler: SamplerPart, batch: Batch) -> _Captured:
        pinned = [array.pin_memory() for array in _arrays(batch)]
        inputs = [array.to(self._device) for array in pinned]
        images, order, noise, prefix, weights, mix = inputs

        def chunk() -> Tensor:
            keys_values = frames(images, order)
            if self._between is not None:
                self._between.record()
            actions: Tensor = sampler(noise, keys_values, prefix, weights, mix)
            return actions

        replay, actions = self._record(chunk)
        here = torch.empty(actions.shape, dtype=actions.dtype).pin_memory()
        return _Captured(replay, pinned, inputs, (actions, here))


def _mark(external: bool = False) -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True, external=external)  # type: ignore[no-untyped-call]


def _arrays(batch: Batch) -> list[Tensor]:
    """The graphs' inputs in their order."""
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
    from nitropilot.engines.pytorch.fused import was_prepared

    if wish.precision not in DTYPES:
        raise EngineUnavailable(
            f"torch on cuda does not compute in {wish.precision}", f"use {', '.join(DTYPES)}"
        )
    dtype = DTYPES[wish.precision]
    try:
        policy = open_policy(wish.policy, steps=wish.steps)
        fused, why = was_prepared(wish.policy, dtype, wish.max_batch)
        if wish.steps is not None:
            fused, why = False, "its kernels are fused for the policy's own steps alone"
        if fused:
            try:
                engine = TorchCudaEngine(policy, reason, dtype, wish.max_batch, fused=True)
                engine.warm_up_all()
                return engine
            except OutOfMemory:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a compiler raises
                why = f"its kernels cannot be fused any more: {str(error).splitlines()[0]}"
                log.warning("%s; using them one by one", why)
        return TorchCudaEngine(policy, f"{reason}; {why}", dtype, wish.max_batch)
    except RuntimeError as error:
        raise failure("torch on cuda", error) from error
