"""What a chunk costs at least: its bytes and operations against what a machine can do.

The work is counted by running the sampler graph on torch's ``meta`` device, which computes
shapes and nothing else: each product (a ``Dense`` layer) has to read its weights once a
call, and torch's own counter adds up the operations.  The ceilings are measured, with the
same number of threads that the engine has.  (Williams, Waterman and Patterson 2009.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nitropilot.engines.spec import policy_spec
from nitropilot.policy.naming import parse_random
from nitropilot.policy.network.graph import FramePart, SamplerPart
from nitropilot.policy.network.graph_layers import Dense

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.policy.network.policy import Policy

WEIGHT_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "fp8": 1}
"""Bytes of a weight of a product by precision; what is no weight has at least two."""
COPIED = {"cpu": 2**28, "cuda": 2**30}
"""Bytes moved to measure the bandwidth: far more than any cache holds."""
MATRIX = {"cpu": 2048, "cuda": 8192}
"""Side of the square matrices multiplied to measure the operations a second."""
TRIES = 5


@dataclass(frozen=True)
class Work:
    """What a part of a chunk has to do.

    Attributes:
        weights: Weights read, counted again for every step that reads them.
        others: Further numbers read: norms, modulations, keys and values.
        operations: Multiplications and additions.
    """

    weights: int
    others: int
    operations: int

    def bytes(self, precision: str) -> int:
        """Bytes to read in a precision."""
        size = WEIGHT_BYTES[precision]
        return self.weights * size + self.others * max(size, 2)


@dataclass(frozen=True)
class Ceilings:
    """What a machine was measured to do at best.

    Attributes:
        device: Where.
        threads: With how many threads; 0 for a card.
        bytes_per_s: Read from memory.
        operations_per_s: In matrix products, by precision.
    """

    device: str
    threads: int
    bytes_per_s: float
    operations_per_s: dict[str, float]


def bound_seconds(work: Work, precision: str, ceilings: Ceilings) -> tuple[float, str]:
    """The least time that ``work`` can take, and whether ``bytes`` or ``operations`` set it.

    8-bit weights are held against the operations of the type that is computed in, or of
    8-bit products where those were measured.
    """
    rates = ceilings.operations_per_s
    rate = rates.get(precision) or max(rates.get("bfloat16", 0.0), rates["float32"])
    moving = work.bytes(precision) / ceilings.bytes_per_s
    computing = work.operations / rate
    return (moving, "bytes") if moving >= computing else (computing, "operations")


def shapes_only(text: str) -> Policy:
    """The policy that ``text`` names (see ``policy.open_policy``), without its weights.

    Raises:
        PolicyError, CheckpointError: There is no such policy.
    """
    from nitropilot.policy.config import parse_config
    from nitropilot.policy.files.checkpoint import empty_policy
    from nitropilot.policy.files.formats import read_checkpoint
    from nitropilot.policy.network.policy import Policy
    from nitropilot.policy.network.random_weights import architecture

    if chosen := parse_random(text):
        config, sizes = architecture(chosen[0])
        with torch.device("meta"):
            return Policy(parse_config(config), sizes)
    return empty_policy(read_checkpoint(text))


def count_work(policy: Policy) -> dict[str, Work]:
    """Work of the two parts of a chunk, ``vision`` (with mixer, keys and values) and ``sampler``.

    Args:
        policy: On the ``meta`` device; see ``shapes_only``.
    """
    spec = policy_spec(policy)
    with torch.device("meta"), torch.no_grad():
        frames, sampler = FramePart(policy), SamplerPart(policy)
        images = torch.empty(spec.frames, 3, spec.image_size, spec.image_size)
        order = torch.empty(1, spec.sequence_length, dtype=torch.int32)
        noise = torch.empty(1, spec.horizon, spec.action_dim)
        rest = (torch.empty_like(noise), torch.empty(1, spec.horizon, 1), torch.empty(1, 1))
        found: list[Tensor] = []
        vision = _count(frames, lambda: found.append(frames(images, order)))
        kvs = found[0]
        steps = _count(sampler, lambda: sampler(noise, kvs, *rest))
    read = Work(steps.weights, steps.others + spec.steps * kvs.numel(), steps.operations)
    return {"vision": vision, "sampler": read}


def _count(part: nn.Module, run: Callable[[], object]) -> Work:
    weights = 0

    def note(layer: nn.Module, _: object) -> None:
        nonlocal weights
        assert isinstance(layer, Dense)
        weights += layer.weight.numel()

    products = [layer for layer in part.modules() if isinstance(layer, Dense)]
    hooks = [layer.register_forward_pre_hook(note) for layer in products]
    with FlopCounterMode(display=False) as counter:
        run()
    for hook in hooks:
        hook.remove()
    held = sum(buffer.numel() for buffer in part.buffers())
    inside = sum(layer.weight.numel() for layer in products)
    return Work(weights, held - inside, counter.get_total_flops())


def measure_ceilings(device: str = "cpu", threads: int = 0) -> Ceilings:
    """Measure this machine; takes seconds.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        threads: Of the processor's; 0 for as many as torch takes.
    """
    if device == "cpu" and threads:
        torch.set_num_threads(threads)
    rates = {"float32": _products_per_s(device, torch.float32)}
    if device == "cuda" or _has_bfloat16():
        rates["bfloat16"] = _products_per_s(device, torch.bfloat16)
    threads = torch.get_num_threads() if device == "cpu" else 0
    name = "cpu" if device == "cpu" else torch.cuda.get_device_name(0)
    return Ceilings(name, threads, _bytes_per_s(device), rates)


def _has_bfloat16() -> bool:
    """Whether the processor has instructions for it; emulated, it says nothing of them."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _bytes_per_s(device: str) -> float:
    """Read once and written once: a copy moves its size twice; adding up reads only."""
    here = torch.ones(COPIED[device] // 4, device=device)
    there = torch.empty_like(here)
    copying = _best(device, lambda: there.copy_(here))
    reading = _best(device, lambda: here.sum())
    return max(2 * COPIED[device] / copying, COPIED[device] / reading)


def _products_per_s(device: str, dtype: torch.dtype) -> float:
    side = MATRIX[device]
    a = torch.ones(side, side, dtype=dtype, device=device)
    b = torch.ones(side, side, dtype=dtype, device=device)
    return float(2 * side**3 / _best(device, lambda: a @ b))


def _best(device: str, run: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs, the first of which does not count."""
    times = []
    for _ in range(TRIES + 1):
        began = time.perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times[1:])
