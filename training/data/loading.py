"""``Loader``: the batches of a run, the next one made while the step before it computes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from nitropilot.training.data.dataset import changes
from nitropilot.training.data.order import batch_places

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from nitropilot.training.batch import Batch
    from nitropilot.training.data.augment import Augmentation
    from nitropilot.training.data.dataset import Dataset

ALL = slice(None)


class Loader:
    """Makes the batch of any step; the one after it in advance.

    Args:
        dataset: The samples.
        learn: Numbers of those to learn from.
        seed: Of the run.
        batch: Samples a step, those of all processes.
        augmentation: How frames are changed.
        part: Which of them are made here; all unless others make the rest.

    Attributes:
        waited_s: Seconds that ``take`` waited, in all.
    """

    def __init__(
        self,
        dataset: Dataset,
        learn: NDArray[np.int64],
        seed: int,
        batch: int,
        augmentation: Augmentation,
        part: slice = ALL,
    ) -> None:
        self._dataset, self._learn, self._seed = dataset, learn, seed
        self._size, self._augmentation, self._part = batch, augmentation, part
        self._pool = ThreadPoolExecutor(1, "samples")
        self._next: tuple[int, Future[Batch]] | None = None
        self.waited_s = 0.0

    def __enter__(self) -> Loader:
        """Itself."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        """End its thread."""
        self._pool.shutdown(cancel_futures=True)

    def epoch(self, step: int) -> int:
        """How often every sample was seen before a step."""
        return step * self._size // len(self._learn)

    def take(self, step: int) -> Batch:
        """The batch of a step."""
        start = time.monotonic()
        ready = self._next
        if ready is None or ready[0] != step:
            ready = (step, self._pool.submit(self.make, step))
        self._next = (step + 1, self._pool.submit(self.make, step + 1))
        batch = ready[1].result()
        self.waited_s += time.monotonic() - start
        return batch

    def make(self, step: int) -> Batch:
        """The batch of a step, made here and now."""
        places = batch_places(self._seed, len(self._learn), self._size, step)[self._part]
        samples = [int(self._learn[place.sample]) for place in places]
        change = changes(self._seed, places, self._augmentation)
        return self._dataset.batch(samples, change)
