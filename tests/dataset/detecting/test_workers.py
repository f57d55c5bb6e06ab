"""Things that other processes make."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nitropilot.dataset.detecting.workers import made


class Thing(NamedTuple):
    """Something large enough to fill a pipe, and who made it."""

    number: int
    maker: int
    load: NDArray[np.uint8]


@dataclass(frozen=True)
class Things:
    """Makes them."""

    size: int

    def __getitem__(self, number: int) -> Thing:
        """One of them."""
        return Thing(number, os.getpid(), np.full(self.size, number, np.uint8))


def test_they_come_in_order_and_nobody_stays_behind() -> None:
    """A run ends in the midst of an endless row: its makers wait to hand over what they have."""
    row = made(Things(300_000), range(3, 10**9), workers=1)
    some = [next(row) for _ in range(4)]
    assert [each.number for each in some] == [3, 4, 5, 6]
    assert all((each.load == each.number).all() for each in some)
    (maker,) = {each.maker for each in some}
    assert maker != os.getpid()
    row.close()
    assert maker not in {each.pid for each in multiprocessing.active_children()}


def test_without_makers_they_are_made_here() -> None:
    """One by one, as they are asked for."""
    assert [each.maker for each in made(Things(1), range(3), workers=0)] == [os.getpid()] * 3
