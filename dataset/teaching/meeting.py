"""Trainers that work apart and meet now and then (local SGD, Stich 2019).

On a few cores of one processor this keeps all of them busy: gradients that are averaged at every
step, or one trainer with a thread a core, keep them waiting for each other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as group

from nitropilot.dataset.errors import ParserStopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection

    from torch import Tensor

SECONDS = 20.0
"""How long one that has ended is waited for."""


class Meeting:
    """Where the trainers of a run are brought together.

    Args:
        trainers: How many there are.
        others: What those tell that begin beside this one, before they end.
    """

    def __init__(self, trainers: int, others: Iterable[Connection] = ()) -> None:
        self.trainers = trainers
        self._others = list(others)

    def agreed(self, numbers: list[float]) -> list[float]:
        """The sums over all trainers.

        Raises:
            ParserStopped: One has ended.
        """
        if self.trainers == 1:
            return numbers
        flat = torch.tensor(numbers, dtype=torch.float64)
        self._summed(flat)
        return [float(number) for number in flat]

    @torch.no_grad()
    def share(self, tensors: Iterable[Tensor]) -> None:
        """Give every trainer the average of all, in place.

        Raises:
            ParserStopped: One has ended.
        """
        if self.trainers == 1:
            return
        kept = list(tensors)
        flat = torch.cat([tensor.reshape(-1) for tensor in kept])
        self._summed(flat)
        flat /= self.trainers
        place = 0
        for tensor in kept:
            count = tensor.numel()
            tensor.copy_(flat[place : place + count].view_as(tensor))
            place += count

    def _summed(self, flat: Tensor) -> None:
        try:
            group.all_reduce(flat)
        except RuntimeError as error:
            said = next((each.recv() for each in self._others if _told(each)), str(error))
            raise ParserStopped(
                f"another trainer has ended: {' '.join(str(said).split())[:300]}",
                "what was written before stays: give the same command with --resume",
            ) from error


@contextmanager
def gathered(trainers: int, work: Callable[[int, Meeting], None]) -> Iterator[Meeting]:
    """Begin all trainers but the first, which is this process; they end with the block.

    Args:
        trainers: How many there are in all.
        work: What the others do; it is sent to them with their number and where they meet.
    """
    if trainers == 1:
        yield Meeting(1)
        return
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "meeting"
        begun: list[Any] = []
        ends: list[Any] = []  # pipes have another type on Windows
        for rank in range(1, trainers):
            here, there = spawn.Pipe(duplex=False)
            other = spawn.Process(target=_work, args=(rank, trainers, place, work, there))
            other.start()
            there.close()
            begun.append(other)
            ends.append(here)
        patience = 0.0
        try:
            with _joined(0, trainers, place):
                yield Meeting(trainers, ends)
            patience = SECONDS
        finally:
            for other in begun:
                other.join(patience)
                other.terminate()
                other.join()


def _work(
    rank: int, trainers: int, place: Path, work: Callable[[int, Meeting], None], end: Any
) -> None:
    """Another trainer's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one says when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    try:
        with _joined(rank, trainers, place):
            work(rank, Meeting(trainers))
    except BaseException as error:  # noqa: BLE001 - told to the first one, which says it
        with suppress(OSError):
            end.send(f"{type(error).__name__}: {error}")


def _end_with_parent() -> None:
    """End this process when the one that began it is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


@contextmanager
def _joined(rank: int, trainers: int, place: Path) -> Iterator[None]:
    group.init_process_group("gloo", init_method=f"file://{place}", rank=rank,
                             world_size=trainers)  # fmt: skip
    try:
        yield
    finally:
        group.destroy_process_group()


def _told(end: Connection) -> bool:
    """Whether one that ends has said why."""
    try:
        return end.poll(SECONDS)
    except OSError:
        return False
