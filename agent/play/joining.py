"""How a chunk is joined to the one that is being played.

While a chunk is computed the one before plays on, so the first actions of the new
chunk will already have been played when it is there.  Left to itself the policy may
choose another way past the same enemy in the new chunk, and the pad would jerk from
one to the other.

Real-time chunking (Black, Galliker, Levine: "Real-Time Execution of Action Chunking Flow
Policies", 2025) asks the sampler for a chunk that contains what is played meanwhile:
those actions are fixed, and those after them, as far as both chunks reach, are drawn to
the chunk before with weights that fall off exponentially.  ``soft_mask`` has the paper's
weights.  Engines that cannot fix actions get a linear cross-fade of the raw channels;
buttons are cut at their threshold after that.

Raw actions are aligned by tick: a ``Plan`` says what is to be sent at which.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.engines.base import Prefix

if TYPE_CHECKING:
    from nitropilot.engines.base import Array

Plan = Mapping[int, "Array"]
"""Raw channels (``A``) by tick."""


def reach(planned: Container[int], first: int, most: int) -> int:
    """How many ticks from ``first`` on are planned without a hole; at most ``most``."""
    count = 0
    while count < most and first + count in planned:
        count += 1
    return count


def soft_mask(fixed: int, overlap: int, length: int) -> Array:
    """How strongly each action of a new chunk is held to the chunk before.

    Args:
        fixed: Actions that are played before the new chunk can be: weight 1.
        overlap: Actions that the chunk before has as well; beyond it the weight is 0.
        length: Actions in a chunk.

    Returns:
        ``length`` weights in [0, 1], none larger than the one before it.
    """
    weights = np.zeros(length, np.float32)
    fixed, overlap = min(fixed, overlap, length), min(overlap, length)
    weights[:fixed] = 1.0
    for i in range(fixed, overlap):
        left = (overlap - i) / (overlap - fixed + 1)
        weights[i] = left * math.expm1(left) / (math.e - 1)
    return weights


def make_prefix(
    plan: Plan, start: int, fixed: int, length: int, channels: int
) -> tuple[Prefix | None, int, int]:
    """What a chunk whose first action is for tick ``start`` has to contain.

    Args:
        plan: What is played meanwhile.
        start: Tick of the new chunk's first action.
        fixed: How many ticks from there on are played before the chunk can be.
        length: Actions T in a chunk.
        channels: Channels A of an action.

    Returns:
        The prefix, None where the plan holds nothing for ``start``; how many actions it
        fixes, and how many it draws.
    """
    overlap = reach(plan, start, length)
    if not overlap:
        return None, 0, 0
    actions = np.zeros((length, channels), np.float32)
    for i in range(overlap):
        actions[i] = plan[start + i]
    fixed = min(max(fixed, 0), overlap)
    return Prefix(actions, soft_mask(fixed, overlap, length)), fixed, overlap - fixed


def fade(old: Array, new: Array, step: int, steps: int) -> Array:
    """Action ``step`` (from 0) of a linear cross-fade over ``steps`` actions; ``A`` each."""
    share = np.float32((step + 1) / (steps + 1))
    return old + (new - old) * share
