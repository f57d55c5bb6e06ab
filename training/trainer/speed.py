"""How fast a run goes, and how much of what the machine can do that is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from nitropilot.training.batch import Batch
    from nitropilot.training.objective.draws import Draw
    from nitropilot.training.objective.total import Shares

MFU_FORMULA = (
    "mfu = operations of a sample x samples/s / peak; operations: multiplications and additions "
    "of all products on the way there and back, counted once, recomputed blocks not; peak: the "
    "fastest of 5 products of two 1024 x 1024 matrices here, in the precision of training"
)
SIDE, TRIES = 1024, 5


def operations_of(objective: torch.nn.Module, batch: Batch, drawn: Draw, shares: Shares) -> float:
    """Floating-point operations of one sample, there and back: counted, not estimated.

    Args:
        objective: Gives a scalar for these; see ``objective.total``.
        batch: Has the sample.
        drawn: What it is looked at with.
        shares: How much errors count.
    """
    one, its = batch.first(1), drawn.first(1)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        torch.autograd.backward(objective(one, its, shares))
    objective.zero_grad(set_to_none=True)
    return float(counter.get_total_flops())


def peak_of(device: torch.device, precision: str) -> float:
    """Floating-point operations a second that products reach here."""
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    matrix = torch.ones(SIDE, SIDE, dtype=kind, device=device)
    best = float("inf")
    for _ in range(TRIES):
        _settle(device)
        start = time.perf_counter()
        matrix @ matrix
        _settle(device)
        best = min(best, time.perf_counter() - start)
    return 2.0 * SIDE**3 / best


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def memory_bytes(device: torch.device) -> int:
    """What training takes now: of the card where there is one, of this process otherwise."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


@dataclass
class Pace:
    """Counts what a run does between two rows of its log.

    Attributes:
        operations: Of a sample.
        peak: Of the machine, a second.
        samples: Since the last row.
        seconds: Since the last row.
        waited: Of these, for data.
    """

    operations: float
    peak: float
    samples: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    def add(self, samples: int, seconds: float, waited: float) -> None:
        """Count a step."""
        self.samples += samples
        self.seconds += seconds
        self.waited += waited

    def row(self) -> dict[str, float]:
        """What the log has of it; counts from 0 again."""
        rate = self.samples / max(self.seconds, 1e-9)
        found = {
            "samples_per_s": rate,
            "data_share": self.waited / max(self.seconds, 1e-9),
            "mfu": self.operations * rate / self.peak,
        }
        self.samples, self.seconds, self.waited = 0, 0.0, 0.0
        return found
