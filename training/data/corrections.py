"""How much each row of a recording counts in which an agent played and a human corrected it.

A human who takes the pad says two things: that what the agent had just begun was wrong, and what
would have been right.  So what the human did counts more than what the agent did, and the agent's
last actions before it do not count at all: a wrong label teaches.  Everything else that the agent
did was left alone, and holds the policy where it is good already.  The same weighting, with other
numbers, is Sirius (Liu et al., 2023, "Robot Learning on the Job").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

AGENT, HUMAN = "agent", "human"


def takeovers(sources: NDArray[np.generic]) -> NDArray[np.int64]:
    """The first row of a human each time one took over from an agent, in order.

    Rows of nobody between the two change nothing; a human who played from the beginning took
    nothing over.
    """
    somebody = np.flatnonzero((sources == AGENT) | (sources == HUMAN))
    who = sources[somebody]
    changes = np.flatnonzero((who[1:] == HUMAN) & (who[:-1] == AGENT)) + 1
    found: NDArray[np.int64] = somebody[changes]
    return found


def row_weights(
    sources: NDArray[np.generic], hz: float, corrections: float, before: float
) -> NDArray[np.float32]:
    """How much each row counts.

    Args:
        sources: Of each row, as ``records.format`` has them.
        hz: Rows a second.
        corrections: How much a human's row counts where an agent played too.
        before: So many seconds of the agent before each takeover do not count.

    Returns:
        One number a row; all 1 where no agent was corrected: a human alone corrects nobody.
    """
    weights = np.ones(len(sources), np.float32)
    taken = takeovers(sources)
    if not len(taken):
        return weights
    weights[sources == HUMAN] = corrections
    span = round(before * hz)
    for first in taken:
        wrong = slice(max(first - span, 0), first)
        weights[wrong][sources[wrong] == AGENT] = 0.0
    return weights
