"""``Wish``: what is to be made of recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nitropilot.policy.actions import Layout
    from nitropilot.records.timeline import Timeline


@dataclass(frozen=True)
class Wish:
    """What a policy is to be shown and to answer.

    Attributes:
        timeline: Which actions belong to which frame.
        hz: Rows a second that the recordings must have; None: all the same.
        frames: Context frames F.
        size: Side S of a frame in pixels.
        layout: How actions are stored.
        stride: Every how manieth pair becomes a sample.
        active: Share of a chunk's steps in which something is pressed or tilted, at least: the
            paper's filter has 0.5.
        corrections: How much a human's rows count in a recording of an agent.
        before_takeover: Seconds of the agent before a human took over that do not count.
        resample: Rows a second that recordings of another rate are given; None: they keep theirs.
    """

    timeline: Timeline
    hz: float | None
    frames: int
    size: int
    layout: Layout
    stride: int = 1
    active: float = 0.0
    corrections: float = 1.0
    before_takeover: float = 0.0
    resample: float | None = None
