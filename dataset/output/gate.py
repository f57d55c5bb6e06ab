"""The gate that each recording goes through: what a labeller gets wrong, it gets wrong in silence.

A labeller that fails does not stop: it writes rows that look like any others.  What it writes then
is seldom what people do: nothing at all, one button for ever, presses of a single frame.  (One that
went by the picture alone, and was published, left 43 % of its recordings without any key, and is
biased against keys that are held.)  So each recording is measured, and one that lies outside of
what people do with a pad is set aside, with the reason.

The bounds are wide: they are what no play of any length has been seen to reach, and not what is
usual.  Where a recording lies among the others of its set is in the set's report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.output.filtering import active
from nitropilot.dataset.pad import SIDES
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.output.timing import Rows

LONG_S = 20.0
"""Rates and shares of less than a chunk say nothing."""
MOST_IDLE = 0.98
"""Who plays with a pad has some of it in their hands for more than two seconds of a hundred; what
is less is a spectator, a film, or an overlay that was not read."""
MOST_PRESSES = 720.0
"""Presses a minute of one button: people tap 5 to 7 times a second, and 12 in a record of seconds;
what flickers goes down up to 15 times a second, at half of the rows."""
SHORTEST_HOLD_S = 0.04
"""A tap takes 50 to 150 ms, which is a row or two at 30 a second.  A button of which half of the
presses are shorter, at more than ``FLICKER`` of them a minute all the time, flickers."""
FLICKER = 240.0
MOST_HELD = 0.98
"""Share of the time that one button is down: the pedal of a racing game reaches 95 %."""
LONGEST_HOLD_S = 0.2
"""Of some hundred presses one at least is longer; the failure is known of labellers by picture."""
MANY = 200
"""Presses, of all buttons together, of which that is asked."""
STICK_VARIANCE = 0.9
"""Of an axis: a stick that is thrown from one end to the other and never between has 1."""


@dataclass(frozen=True)
class Figures:
    """What was measured.  Shares are of the rows that were read, 0 to 1.

    Attributes:
        seconds: Of rows that were read.
        idle: Share in which nothing is pressed and no stick is moved.
        presses: Of each button that is pressed at all, how often a minute.
        holds: Of the same, how long it is held at the median, in seconds.
        longest: Of the same, how long at most.
        held: Of the same, the share of the time.
        sticks: Variance of each axis: left x, left y, right x, right y.
        confidence: Mean of the least sure output.
    """

    seconds: float
    idle: float
    presses: dict[str, float] = field(default_factory=dict)
    holds: dict[str, float] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    sticks: dict[str, float] = field(default_factory=dict)
    confidence: float = 0.0

    def measures(self) -> dict[str, float]:
        """Each with a name of its own: what a place in a distribution is looked for by."""
        found = {"idle": self.idle, "confidence": self.confidence}
        found |= {f"stick variance {axis}": value for axis, value in self.sticks.items()}
        found |= {f"presses a minute {name}": value for name, value in self.presses.items()}
        return found | {f"median hold {name}": value for name, value in self.holds.items()}


def figures_of(rows: Rows) -> Figures:
    """Measure the rows of a recording that were read."""
    read = rows.read
    seconds = float(read.sum()) / rows.hz
    if not seconds:
        return Figures(0.0, 1.0)
    down = rows.states.published() & read[:, None]
    found: dict[str, dict[str, float]] = {"presses": {}, "holds": {}, "longest": {}, "held": {}}
    for index, name in enumerate(PUBLISHED_BUTTONS):
        lengths = _holds(down[:, index], rows.stretch) / rows.hz
        if len(lengths):
            found["presses"][name] = round(60 * len(lengths) / seconds, 3)
            found["holds"][name] = round(float(np.median(lengths)), 4)
            found["longest"][name] = round(float(lengths.max()), 4)
            found["held"][name] = round(float(lengths.sum()) / seconds, 4)
    variance = rows.states.sticks[read].var(axis=0)
    axes = [f"{side} {axis}" for side in SIDES for axis in "xy"]
    return Figures(
        round(seconds, 3),
        1 - float((active(rows.states) & read).sum()) / float(read.sum()),
        **found,
        sticks={axis: round(float(v), 5) for axis, v in zip(axes, variance, strict=True)},
        confidence=round(float(rows.confidence[read].mean()), 4),
    )


def refused(figures: Figures) -> str:
    """Why a recording is set aside; "" where it is not."""
    if not figures.seconds:
        return "the controller was seen and read in no frame"
    if figures.idle == 1.0:
        return "nothing is ever pressed or moved"
    if figures.seconds < LONG_S:
        return ""
    if figures.idle > MOST_IDLE:
        return (
            f"idle for {figures.idle:.1%} of the time, and people are for at most {MOST_IDLE:.0%}"
        )
    for axis, variance in figures.sticks.items():
        if variance > STICK_VARIANCE:
            return f"the axis {axis} is always at one end or the other (variance {variance:.2f})"
    wrong = (_wrong(figures, name) for name in figures.presses)
    return next(filter(None, wrong), "") or _short(figures)


def _wrong(figures: Figures, name: str) -> str:
    """What is wrong with a button."""
    presses, hold, held = figures.presses[name], figures.holds[name], figures.held[name]
    if presses > MOST_PRESSES:
        return f"{name} is pressed {presses:.0f} times a minute, and nobody does that"
    if presses > FLICKER and hold < SHORTEST_HOLD_S:
        return f"{name} flickers: {presses:.0f} presses a minute, half of them within {hold:.3f} s"
    if held > MOST_HELD:
        return f"{name} is down for {held:.1%} of the time"
    return ""


def _short(figures: Figures) -> str:
    count = sum(figures.presses.values()) * figures.seconds / 60
    longest = max(figures.longest.values(), default=0.0)
    if count >= MANY and longest < LONGEST_HOLD_S:
        return f"of {count:.0f} presses none is longer than {longest:.2f} s: holds are lost"
    return ""


def _holds(down: NDArray[np.bool_], stretch: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows each press lasts; it ends where a stretch does."""
    state = np.where(down, stretch + 1, 0)
    edges = np.flatnonzero(np.diff(state, prepend=0, append=0))
    lengths = np.diff(edges)
    return np.asarray(lengths[state[edges[:-1]] > 0], np.int64)
