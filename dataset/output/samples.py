"""Sample strips: the controller as it is in a video, and beside it what was read there."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.pad import SIDES, Moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MANY = 6
"""Samples of a video."""
WIDEST = 220
"""Of a sample's picture, in pixels."""
PLOT = 64
"""Side of a stick's plot, in pixels."""
LINE = 16
LEFT = 4


class Sample(NamedTuple):
    """One frame of a strip.

    Attributes:
        time: Seconds of the video.
        moment: What was read.
        png: The controller on screen, as a PNG in base64.
    """

    time: float
    moment: Moment
    png: str

    def plain(self) -> list[Any]:
        """For a file."""
        down = sorted(self.moment.buttons)
        return [self.time, down, self.moment.sticks, self.moment.triggers, self.png]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> Sample:
        """What ``plain`` was made of."""
        time, down, sticks, triggers, png = plain
        left, right = triggers
        return cls(time, Moment(frozenset(down), tuple(sticks), (left, right)), png)


def sample(time: float, moment: Moment, crop: NDArray[np.uint8]) -> Sample:
    """A sample of a picture ``h x w x 3``, RGB."""
    height, width = crop.shape[:2]
    if width > WIDEST:
        size = (WIDEST, max(round(height * WIDEST / width), 1))
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, png = cv2.imencode(".png", np.ascontiguousarray(crop[..., ::-1]))
    return Sample(round(time, 3), moment, base64.b64encode(png.tobytes()).decode("ascii"))


def places(first: int, last: int) -> list[int]:
    """Which frames of a range are sampled."""
    within = (np.arange(MANY) + 0.5) / MANY
    return sorted({int(first + share * (last - first)) for share in within})


def figure(one: Sample) -> tuple[str, str]:
    """A sample as markup, and what is said below it."""
    picture = f'<img alt="the controller on screen" src="data:image/png;base64,{one.png}">'
    said = ", ".join(sorted(one.moment.buttons)) or "no button"
    return f"{picture}<br>{drawn(one.moment)}", f"{one.time:.2f} s: {said}"


def drawn(moment: Moment, what: str = "What was read") -> str:
    """A state as a drawing: both sticks with their dots, both triggers as bars."""
    width = 2 * PLOT + 3 * LINE
    parts = []
    for number, side in enumerate(SIDES):
        x, y = moment.sticks[2 * number : 2 * number + 2]
        left = LEFT + number * (PLOT + 2 * LINE)
        half = PLOT / 2
        pressed = f"{side}_thumb" in moment.buttons
        fill = "var(--one)" if pressed else "none"
        pulled = min(max(moment.triggers[number], 0.0), 1.0) * PLOT
        parts.append(
            f'<circle cx="{left + half}" cy="{half + 2}" r="{half}" fill="none" '
            f'stroke="var(--soft)"/><circle cx="{left + half * (1 + x):.1f}" '
            f'cy="{2 + half * (1 + y):.1f}" r="5" fill="{fill}" stroke="var(--one)"/>'
            f'<rect x="{left + PLOT + 4}" y="2" width="8" height="{PLOT}" fill="var(--line)"/>'
            f'<rect x="{left + PLOT + 4}" y="{2 + PLOT - pulled:.1f}" width="8" '
            f'height="{pulled:.1f}" fill="var(--two)"/>'
        )
    title = escape(", ".join(sorted(moment.buttons)) or "no button")
    return (
        f'<svg viewBox="0 0 {width} {PLOT + 4}" width="{width}" height="{PLOT + 4}" role="img">'
        f"<title>{what}: {title}</title>{''.join(parts)}</svg>"
    )
