"""How the processes of a run find each other: by the variables that ``torchrun`` sets."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed as group

from nitropilot.training.errors import BadSettings, PeerLost
from nitropilot.training.processes.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COUNT, RANK, LOCAL = "WORLD_SIZE", "RANK", "LOCAL_RANK"
MEETING = ("MASTER_ADDR", "MASTER_PORT")
PATIENCE = timedelta(days=1)
"""For others that say nothing: rank 0 decodes, plays and writes while they wait.  One that has
ended is noticed at once, as its connections close."""
START = "start it with: torchrun --nproc-per-node N --no-python nitropilot train ..."


def ranks_of(environment: Mapping[str, str]) -> Ranks:
    """Which process this is, by the variables of ``torchrun``; alone without them.

    Raises:
        BadSettings: They are not whole, or make no sense.
    """
    if COUNT not in environment:
        return ALONE
    missing = [name for name in (RANK, LOCAL) if name not in environment]
    if environment[COUNT] != "1":
        missing += [name for name in MEETING if name not in environment]
    if missing:
        raise BadSettings(
            f"{COUNT} is {environment[COUNT]!r}, and {missing[0]} is not set",
            f"{START}; or unset {COUNT} to train in one process",
        )
    rank, count, local = (_number(environment, name) for name in (RANK, COUNT, LOCAL))
    if not (rank < count and local < count):
        raise BadSettings(f"{RANK} is {rank} and {LOCAL} {local}, of {count} processes", START)
    return Ranks(rank, count, local)


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not text.isdecimal():
        raise BadSettings(f"{name} is {text!r}, which is no number", START)
    return int(text)


@contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[Ranks]:
    """Join the other processes of this run, if there are any.

    Raises:
        BadSettings: The variables that say so are not whole.
        PeerLost: The others cannot be met.
    """
    ranks = ranks_of(environment)
    if ranks.count == 1:
        yield ranks
        return
    backend = "gloo"
    if torch.cuda.is_available() and group.is_nccl_available():
        backend = "cpu:gloo,cuda:nccl"
    try:
        group.init_process_group(
            backend, init_method="env://", rank=ranks.rank, world_size=ranks.count, timeout=PATIENCE
        )
    except (RuntimeError, ValueError) as error:
        place = ":".join(environment[name] for name in MEETING)
        reason = str(error).splitlines()[0][:200]
        raise PeerLost(f"the other processes cannot be met at {place}: {reason}", START) from error
    yield ranks
    group.destroy_process_group()  # not after a failure: who is lost would be waited for
