"""Things that are made by their number, in other processes while this one computes."""

from __future__ import annotations

import os
from multiprocessing import parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import cv2
from torch.utils.data import DataLoader

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.process import BaseProcess

T_co = TypeVar("T_co", covariant=True)
AHEAD = 2
"""Things that a process makes before they are taken."""


class Numbered(Protocol[T_co]):
    """Makes things by their number, the same one each time."""

    def __getitem__(self, number: int) -> T_co:
        """One of them."""
        ...


def made(things: Numbered[T_co], numbers: range, workers: int) -> Generator[T_co, None, None]:
    """Things by number, in order.

    Args:
        things: Makes them; with workers it is sent to other processes.
        numbers: Which.
        workers: How many processes; 0: this one makes each when it is asked for.
    """
    if workers == 0:
        yield from (things[number] for number in numbers)
        return
    loader: Any = DataLoader(
        things,  # type: ignore[arg-type]  # a Dataset to torch is all that has __getitem__
        batch_size=None, sampler=numbers, num_workers=workers, prefetch_factor=AHEAD,
        collate_fn=_as_it_is, worker_init_fn=_begin, multiprocessing_context="spawn",
    )  # fmt: skip
    yield from loader


def _as_it_is(thing: object) -> object:
    """Sent as it is, and not through shared memory, of which containers have little."""
    return thing


def _begin(_worker: int) -> None:
    """One thread; and an end with the process that it works for, whatever ends that.

    torch's own watch over it does not help one that waits to hand over what nobody takes any more.
    """
    cv2.setNumThreads(1)
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(other: BaseProcess | None) -> None:
    if other is not None:
        other.join()
        os._exit(1)
