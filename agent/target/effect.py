"""Measure whether the pad really moves the picture.

The left stick is left alone, held right, and left alone again, while the picture is
compared with what it was a quarter of a second before.  In a game whose view follows
its figure, a large share of it differs while the stick is held and hardly any otherwise.
The quarter second keeps games that draw only a few pictures a second from seeming to
stand still; the median over the looks pays no heed to single events such as a cut.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.capture.errors import WindowVanished
from nitropilot.controller.state import NEUTRAL, GamepadState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.agent.target.game import Game

RIGHT = GamepadState(left=(1.0, 0.0))
LOOK_EVERY_S = 0.05
LOOKS_APART = 5
SETTLE_S = 10.0
"""How long a figure may take to come to rest once the stick is released."""
WALK_S = 10.0
"""How much longer to hold the stick while nothing moves: a game that a busy machine slows
down takes long to walk its figure to where the view follows it."""
SMALL = (320, 240)
DIFFERENT = 12
"""Brightness steps (of 256) by which a pixel must change to count."""
MIN_SHARE = 0.02
"""Share of the picture that must change while the stick is held."""
MIN_RATIO = 4.0
"""How many times more must change with the stick held than without."""


@dataclass(frozen=True)
class PadEffect:
    """Share of the picture (0 to 1) that changed in a quarter second, median over the looks.

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
        return _clear(self.held, max(self.before, self.after))

    def as_dict(self) -> dict[str, float | bool]:
        """For printing."""
        return {**asdict(self), "changed": self.changed}


def measure_effect(game: Game, seconds: float = 1.0) -> PadEffect:
    """Try the pad on a game that is in play.  The controls must be armed.

    Args:
        game: What to try it on.
        seconds: How long to watch without the stick; it is held at least twice as long,
            because many views start to follow their figure only at the middle of the picture.

    Raises:
        NitroPilotError: The game, its window or its pad failed.
    """
    epoch = game.controls.epoch
    before = _watch(game, seconds)
    held = _watch(game, 2 * seconds, epoch)
    deadline = time.perf_counter() + WALK_S
    while game.controls.epoch == epoch and not _clear(held, before):
        if time.perf_counter() > deadline:
            break
        held = _watch(game, seconds, epoch)
    game.controls.send(NEUTRAL, epoch)
    deadline = time.perf_counter() + SETTLE_S
    after = _watch(game, seconds)
    while after * MIN_RATIO >= held > MIN_SHARE and time.perf_counter() < deadline:
        after = _watch(game, seconds)
    return PadEffect(before, held, after)


def _clear(held: float, idle: float) -> bool:
    """Whether clearly more changes with the stick held than without it."""
    return held > MIN_SHARE and held > MIN_RATIO * idle


def _watch(game: Game, seconds: float, pressing: int | None = None) -> float:
    """How much of the picture changes, with the stick held in the epoch ``pressing``."""
    shares: list[float] = []
    looks = [_look(game)]
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or not shares:
        if pressing is not None:
            game.controls.send(RIGHT, pressing)
        time.sleep(LOOK_EVERY_S)
        looks.append(_look(game))
        if len(looks) > LOOKS_APART:
            shares.append(float(np.mean(cv2.absdiff(looks.pop(0), looks[-1]) > DIFFERENT)))
    return round(statistics.median(shares), 4)


def _look(game: Game) -> NDArray[np.uint8]:
    """A small grey picture of the game, of its new window if it changed that."""
    try:
        frame = game.grab()
    except WindowVanished:
        game.find_again()
        frame = game.grab()
    grey = cv2.cvtColor(cv2.resize(frame.pixels, SMALL), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.uint8)
