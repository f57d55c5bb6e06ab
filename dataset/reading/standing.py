"""What stands behind a part, and what the part shows meanwhile: each is known from the other.

Read as if anything might be behind it, a part that lets bars of a game through may be misread in
all frames alike.  What is behind it is then wrong by just as much, and it is misread for that
reason.  So where a game stands, it is begun from several answers, and that one is kept which leaves
the least without a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.reading.parts import FINE, Part, Way, stick_grid, stick_moment
from nitropilot.dataset.reading.sticks import StickEye

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.dataset.pad import Moment
    from nitropilot.dataset.reading.eyes import Crops, Noise
    from nitropilot.dataset.reading.shower import Shower

    Shown = list[tuple[Moment, ...]]

RESTS = 100
"""A stick that may be anywhere rests as often as it is at so many other places together."""
STANDS = 0.5
"""Share of how much a video varies that stands, from which on it may be taken for what is drawn."""


def learn_standing(part: Part, shower: Shower, noise: Noise, crops: Crops, rate: float) -> None:
    """Tell a part's shower what stands behind it.

    Args:
        part: Which.
        shower: Its; changed.
        noise: How far what is seen lies from what is drawn.
        crops: Frames spread over the video.
        rate: How many of them a second.
    """
    found: list[tuple[float, Shown]] = []
    for start in _starts(part, shower, noise, crops, rate):
        shower.learn(crops, start)
        seen = _seen(part, shower, noise, crops, rate)
        found.append((shower.learn(crops, seen), seen))
    _, best = min(found, key=lambda each: each[0])
    shower.learn(crops, best)


def _starts(part: Part, shower: Shower, noise: Noise, crops: Crops, rate: float) -> Iterator[Shown]:
    """What a part may show in these frames."""
    count = len(crops.y)
    yield _seen(part, shower, noise, crops, rate)
    if part.way is Way.STICK:
        yield [tuple(_stick_at(part, 0, x, y) for x, y in [(0, 0)] * RESTS + stick_grid())] * count
    elif shower.backgrounds.stands > STANDS:
        for state in (part.states[0], part.states[-1]):
            yield [(state,)] * count


def _seen(part: Part, shower: Shower, noise: Noise, crops: Crops, rate: float) -> Shown:
    """What a part shows, by what is known of what is behind it."""
    if part.way is not Way.STICK:
        looks = shower.eye(part.states, noise, stale=True).look(crops).argmax(axis=1)
        return [(part.states[look],) for look in looks.tolist()]
    at, _, thumb = StickEye(part, shower, noise).look(crops, rate)
    steps = np.round(at / FINE).astype(int).tolist()
    looks = thumb.argmax(axis=1).tolist()
    return [(_stick_at(part, look, x, y),) for look, (x, y) in zip(looks, steps, strict=True)]


def _stick_at(part: Part, look: int, x: int, y: int) -> Moment:
    """A stick so many fine steps from its middle, released or pressed."""
    return stick_moment(part.side, x * FINE, y * FINE, part.states[look].buttons)
