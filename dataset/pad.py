"""What a pad does: at one moment, and at many in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.records.format import BUTTON_BITS, PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

BUTTONS = tuple(sorted(BUTTON_BITS))
"""Buttons by their published names, in the order of every array here; triggers are none."""
SIDES = ("left", "right")
PULLED = 0.25
"""A trigger pulled further than this counts as pressed: what is drawn of less is hard to see."""


class Moment(NamedTuple):
    """One state of a pad.

    Attributes:
        buttons: Names of those that are down.
        sticks: Left x and y, right x and y, -1 to 1; negative y is up.
        triggers: How far the left and the right one are pulled, 0 to 1.
    """

    buttons: frozenset[str] = frozenset()
    sticks: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    triggers: tuple[float, float] = (0.0, 0.0)


NEUTRAL = Moment()


@dataclass(frozen=True, eq=False)
class PadStates:
    """States of a pad in a row.

    Attributes:
        buttons: ``T x 15`` bool, by ``BUTTONS``.
        sticks: ``T x 4`` float32, as in ``Moment``.
        triggers: ``T x 2`` float32, as in ``Moment``.
    """

    buttons: NDArray[np.bool_]
    sticks: NDArray[np.float32]
    triggers: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.buttons)

    def moment(self, index: int) -> Moment:
        """One of them."""
        left_x, left_y, right_x, right_y = map(float, self.sticks[index])
        left, right = map(float, self.triggers[index])
        down = frozenset(np.array(BUTTONS)[self.buttons[index]].tolist())
        return Moment(down, (left_x, left_y, right_x, right_y), (left, right))

    def part(self, first: int, last: int) -> PadStates:
        """Those from ``first`` to before ``last``."""
        cut = slice(first, last)
        return PadStates(self.buttons[cut], self.sticks[cut], self.triggers[cut])

    def published(self) -> NDArray[np.bool_]:
        """``T x 17``: the published buttons, in the order of ``PUBLISHED_BUTTONS``."""
        by_name = {name: self.buttons[:, index] for index, name in enumerate(BUTTONS)}
        for index, side in enumerate(SIDES):
            by_name[f"{side}_trigger"] = self.triggers[:, index] > PULLED
        return np.stack([by_name[name] for name in PUBLISHED_BUTTONS], axis=1)


def states_of(moments: Iterable[Moment]) -> PadStates:
    """Moments as arrays."""
    listed = list(moments)
    buttons = np.array([[name in each.buttons for name in BUTTONS] for each in listed], bool)
    return PadStates(
        buttons.reshape(-1, len(BUTTONS)),
        np.array([each.sticks for each in listed], np.float32).reshape(-1, 4),
        np.array([each.triggers for each in listed], np.float32).reshape(-1, 2),
    )
