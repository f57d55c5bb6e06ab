"""Two processes that train apart and meet now and then (local SGD, Stich 2019).

On two cores of one processor this keeps both busy three quarters of the time; gradients that are
averaged at every step keep them waiting for each other half of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
import torch.distributed as group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from torch import Tensor


@contextmanager
def together(rank: int, processes: int, meeting: Path) -> Iterator[None]:
    """Join the others.

    Args:
        rank: Which of them this is.
        processes: How many there are.
        meeting: A file that does not exist yet, by which they find each other.
    """
    group.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=processes
    )
    try:
        yield
    finally:
        group.destroy_process_group()


@torch.no_grad()
def share(tensors: Iterable[Tensor]) -> None:
    """Give every process the average of all, in place."""
    kept = list(tensors)
    flat = torch.cat([tensor.reshape(-1) for tensor in kept])
    group.all_reduce(flat)
    flat /= group.get_world_size()
    place = 0
    for tensor in kept:
        count = tensor.numel()
        tensor.copy_(flat[place : place + count].view_as(tensor))
        place += count


def total(numbers: list[float]) -> list[float]:
    """The sums over all processes."""
    flat = torch.tensor(numbers, dtype=torch.float64)
    group.all_reduce(flat)
    return [float(number) for number in flat]


def wait() -> None:
    """Until all are here."""
    group.barrier()
