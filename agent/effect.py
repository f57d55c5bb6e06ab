"""Measure whether the pad really moves the picture.

The left stick is left alone, held right, and left alone again, while the picture is
looked at twenty times a second.  In a game whose view follows its figure, most looks
differ in a large share of the picture while the stick is held and in hardly any
otherwise.  The median over the looks pays no heed to single events such as a cut.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from controller.state import NEUTRAL, GamepadState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.game import Game
    from capture import Frame

RIGHT = GamepadState(left=(1.0, 0.0))
LOOK_EVERY_S = 0.05
SMALL = (320, 240)
DIFFERENT = 12
"""Brightness steps (of 256) by which a pixel must change to count."""
MIN_SHARE = 0.02
"""Share of the picture that must change from look to look while the stick is held."""
MIN_RATIO = 4.0
"""How many times more must change with the stick held than without."""


@dataclass(frozen=True)
class PadEffect:
    """Share of the picture (0 to 1) that changed between two looks, median over the looks.

    Attributes:
        before: With the stick alone.
        held: With the stick held right.
        after: With the stick alone again, once the figure has come to rest.
    """

    before: float
    held: float
    after: float

    @property
    def changed(self) -> bool:
        """Whether holding the stick clearly moved the picture."""
        return self.held > MIN_SHARE and self.held > MIN_RATIO * max(self.before, self.after)

    def as_dict(self) -> dict[str, float | bool]:
        """For printing."""
        return {**asdict(self), "changed": self.changed}


def measure_effect(game: Game, seconds: float = 1.0, settle: float = 1.5) -> PadEffect:
    """Try the pad on a game that is in play.  The controls must be armed.

    Args:
        game: What to try it on.
        seconds: How long to watch without the stick; it is held twice as long, because
            many views start to follow their figure only at the middle of the picture.
        settle: How long the figure gets to come to rest.

    Raises:
        NitroPilotError: The game, its window or its pad failed.
    """
    grant = game.controls.grant
    before = _watch(game, seconds)
    game.controls.send(RIGHT, grant)
    held = _watch(game, 2 * seconds)
    game.controls.send(NEUTRAL, grant)
    time.sleep(settle)
    return PadEffect(before, held, _watch(game, seconds))


def _watch(game: Game, seconds: float) -> float:
    shares: list[float] = []
    last = _small(game.grab())
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        time.sleep(LOOK_EVERY_S)
        now = _small(game.grab())
        shares.append(float(np.mean(cv2.absdiff(last, now) > DIFFERENT)))
        last = now
    return round(statistics.median(shares), 4)


def _small(frame: Frame) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(cv2.resize(frame.pixels, SMALL), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.uint8)
