"""``Batch``: samples side by side, and streams of them that begin anew from a seed.

A trainer's samples come in blocks.  Each is a stream of its own, decided by the seed of the run,
the trainer, the worker and the block's number, in which samples of one look lie close together; so
each sample is drawn from among many.  A run that goes on repeats the begun block up to where it
was.
"""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from nitropilot.dataset.styles.sample import Sample
    from nitropilot.dataset.teaching.presets import Recipe

AHEAD = 4
"""Batches that a worker makes before they are taken."""


Arrays = tuple["NDArray[Any]", ...]


class Stream(Protocol):
    """Endless samples: ``styles.stream.samples``."""

    def __call__(self, seed: int) -> Iterator[Sample]:
        """Those of a seed."""


class Batch(NamedTuple):
    """Samples side by side: fields as in ``Sample``, with one more dimension in front."""

    pictures: Tensor
    reference: Tensor
    buttons: Tensor
    sticks: Tensor
    shown_buttons: Tensor
    shown_sticks: Tensor
    places: Tensor
    opaque: Tensor
    style: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same, where it is computed on."""
        return Batch(*(each.to(device, non_blocking=True) for each in self))


def together(samples: Sequence[Sample]) -> Batch:
    """Samples as a batch."""

    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([np.asarray(getattr(each, name)) for each in samples]))

    return Batch(*map(stacked, Batch._fields))


def batches(
    stream: Stream, recipe: Recipe, rank: int = 0, first: int = 0, workers: int = 0
) -> Iterator[Batch]:
    """A trainer's batches, without end.

    Args:
        stream: Of samples; with workers it is sent to other processes.
        recipe: How large they are, and in which blocks they come.
        rank: Which of the trainers.
        first: Number of the first one that is wanted.
        workers: Processes that make them; 0: this one does.
    """
    source = _Source(stream, recipe, rank, first, max(workers, 1))
    if not workers:
        yield from source.made(0)
        return
    loader: Any = DataLoader(
        source, batch_size=None, num_workers=workers, prefetch_factor=AHEAD, collate_fn=_as_it_is,
        worker_init_fn=_one_thread, multiprocessing_context="spawn",
    )  # fmt: skip
    for arrays in loader:
        yield Batch(*map(torch.from_numpy, arrays))


class _Source(IterableDataset[Arrays]):
    """Batches ``first``, ``first + 1``, ...: of each worker every so manieth."""

    def __init__(self, stream: Stream, recipe: Recipe, rank: int, first: int, workers: int) -> None:
        self._stream, self._recipe = stream, recipe
        self._rank, self._first, self._workers = rank, first, workers

    def __iter__(self) -> Iterator[Arrays]:
        told = torch.utils.data.get_worker_info()
        for batch in self.made(told.id if told else 0):
            # Not as tensors: these go through shared memory, of which containers have little.
            yield tuple(each.numpy() for each in batch)

    def made(self, number: int) -> Iterator[Batch]:
        """Those of the worker that is the ``number``-th to be asked."""
        # The loader asks its workers in turn, beginning with its first: batch first is that one's.
        worker = (self._first + number) % self._workers
        mine = (self._first + number - worker) // self._workers
        each = max(self._recipe.block // self._recipe.batch, 1)
        for block in count(mine // each):
            skipped = mine % each if block == mine // each else 0
            yield from self._block(worker, block, each, skipped)

    def _block(self, worker: int, block: int, many: int, skipped: int) -> Iterator[Batch]:
        recipe = self._recipe
        seeds = np.random.SeedSequence((recipe.seed, self._rank, worker, block)).generate_state(2)
        samples = islice(self._stream(int(seeds[0])), many * recipe.batch)
        mixed = shuffled(samples, recipe.mixed, np.random.default_rng(int(seeds[1])))
        for number in range(many):
            some = list(islice(mixed, recipe.batch))
            if number >= skipped:
                yield together(some)


def shuffled(samples: Iterable[Sample], among: int, rng: np.random.Generator) -> Iterator[Sample]:
    """Samples in another order: each is drawn from so many that wait.

    Args:
        samples: Any number, each given once.
        among: How many wait.
        rng: Draws.
    """
    waiting: list[Sample] = []
    for each in samples:
        if len(waiting) < among:
            waiting.append(each)
            continue
        at = int(rng.integers(among))
        waiting[at], each = each, waiting[at]
        yield each
    for at in rng.permutation(len(waiting)).tolist():
        yield waiting[at]


def recoloured(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """Some samples with red, green and blue exchanged, some of them as negatives.

    A press is no colour of its own: what a made-up skin shows in green another shows in red.

    Args:
        batch: Not changed.
        share: Of the samples, that are changed.
        rng: Draws.
    """
    count_ = len(batch.style)
    chosen = np.flatnonzero(rng.random(count_) < share)
    pictures, reference = batch.pictures.clone(), batch.reference.clone()
    for at in chosen.tolist():
        order = rng.permutation(3).tolist()
        pictures[at], reference[at] = pictures[at][..., order], reference[at][..., order]
        if rng.random() < 0.3:
            pictures[at], reference[at] = 255 - pictures[at], 255 - reference[at]
    return batch._replace(pictures=pictures, reference=reference)


def _as_it_is(thing: Any) -> Any:
    return thing


def _one_thread(_worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
