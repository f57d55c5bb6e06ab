"""``StickEye``: where a stick is, between the positions that are tried, and whether it is pressed.

First a coarse grid, over all frames that are looked at together, since a stick does not jump; then
a fine one around its best, then the top of a parabola through the best and its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.reading.decoding import TEMPER, followed, peak
from nitropilot.dataset.reading.eyes import Crops, Noise
from nitropilot.dataset.reading.parts import COARSE, FINE, Part, stick_grid, stick_moment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import Moment
    from nitropilot.dataset.reading.shower import Shower

    Floats = NDArray[np.float32]
    Step = tuple[int, int]

COARSE_WOBBLE = 1.0
"""How far a coarse position may be off, in fine steps: counted as if the drawing wobbled."""
PRESSED_NOISE = 2.0
"""By how much the noise is larger where it is told whether a stick is pressed: a small error of
its position must not decide that."""
BESIDE = 0.25
"""A coarse position this near speaks for it."""
WITHIN = 0.2
"""A position this near to the true one counts as right."""


@dataclass(eq=False)
class StickEye:
    """Finds a stick.

    Attributes:
        part: The stick.
        shower: How it looks in this video.
        noise: How far all lies off.
    """

    part: Part
    shower: Shower
    noise: Noise

    def __post_init__(self) -> None:
        self._grid = stick_grid()
        self._coarse = tuple(p for p in self._grid if p[0] % COARSE == 0 and p[1] % COARSE == 0)
        self._pressed = [state.buttons for state in self.part.states]

    def look(self, crops: Crops, rate: float) -> tuple[Floats, Floats, Floats]:
        """Look at frames.

        Args:
            crops: What is seen.
            rate: Frames a second.

        Returns:
            ``T x 2`` positions; ``T`` how probable it is that they are right; ``T x h`` logarithms
            of how well released and pressed explain what is seen.
        """
        coarse = self.shower.eye(self._moments(self._coarse), self._rough())
        said = coarse.look(crops).reshape(len(crops.y), len(self._pressed), -1)
        places = np.array(self._coarse, np.float32) * FINE
        likely = followed(said.max(axis=1), places, rate)
        nearest = likely.argmax(axis=1)
        pressed = said[np.arange(len(said)), :, nearest].argmax(axis=1)
        at = np.zeros((len(said), 2), np.float32)
        sure = np.zeros(len(said), np.float32)
        steps = np.zeros((len(said), 2), np.int64)
        for cell, look in {*zip(nearest.tolist(), pressed.tolist(), strict=True)}:
            chosen = np.flatnonzero((nearest == cell) & (pressed == look))
            at[chosen], sure[chosen], steps[chosen] = self._fine(
                _some(crops, chosen), self._coarse[cell], look
            )
        # A frame that tells little by itself may lie among others that tell enough.
        apart = np.linalg.norm(places[None] - at[:, None], axis=2)
        among = (likely * (apart <= BESIDE)).sum(axis=1)
        return at, np.maximum(sure, among), self._thumb(crops, steps)

    def _fine(
        self, crops: Crops, around: Step, look: int
    ) -> tuple[Floats, Floats, NDArray[np.int64]]:
        near = tuple(
            p for p in self._grid
            if abs(p[0] - around[0]) <= COARSE and abs(p[1] - around[1]) <= COARSE
        )  # fmt: skip
        buttons = self._pressed[look]
        moments = [stick_moment(self.part.side, x * FINE, y * FINE, buttons) for x, y in near]
        said = self.shower.eye(moments, self.noise).look(crops)
        best = said.argmax(axis=1)
        steps = np.array(near)[best]
        rows = np.arange(len(said))
        number = {step: index for index, step in enumerate(near)}
        at = steps.astype(np.float32)
        for axis in range(2):
            beside = [[number.get(_moved(step, axis, by), -1) for step in near] for by in (-1, 1)]
            before, after = (np.array(each)[best] for each in beside)
            inner = (before >= 0) & (after >= 0)
            top = peak(said[rows, before], said[rows, best], said[rows, after])
            at[:, axis] += np.where(inner, top, 0)
        return at * FINE, _sure(said, np.array(near), at), steps

    def _thumb(self, crops: Crops, steps: NDArray[np.int64]) -> Floats:
        """Released against pressed, where the stick is."""
        said = np.zeros((len(steps), len(self._pressed)), np.float32)
        if len(self._pressed) == 1:
            return said
        for x, y in {*map(tuple, steps.tolist())}:
            chosen = np.flatnonzero((steps == (x, y)).all(axis=1))
            moments = [stick_moment(self.part.side, x * FINE, y * FINE, b) for b in self._pressed]
            both = self.shower.eye(moments, self.noise.more(PRESSED_NOISE))
            said[chosen] = both.look(_some(crops, chosen))
        return said

    def _moments(self, steps: tuple[Step, ...]) -> list[Moment]:
        return [
            stick_moment(self.part.side, x * FINE, y * FINE, buttons)
            for buttons in self._pressed
            for x, y in steps
        ]

    def _rough(self) -> Noise:
        sight = self.shower.sight
        stick = sight.template.stick(self.part.side)
        step = FINE * (stick.radius if stick else 0.0) * sight.pose.scale
        return Noise(self.noise.light, self.noise.chroma, self.noise.wobble + COARSE_WOBBLE * step)


def _moved(step: Step, axis: int, by: int) -> Step:
    return (step[0] + by, step[1]) if axis == 0 else (step[0], step[1] + by)


def _some(crops: Crops, chosen: NDArray[np.int64]) -> Crops:
    return Crops(crops.y[chosen], crops.u[chosen], crops.v[chosen], crops.box)


def _sure(said: Floats, near: NDArray[np.int64], at: Floats) -> Floats:
    """How probable it is that a stick is near where it was found."""
    weight = np.exp((said - said.max(axis=1, keepdims=True)) / TEMPER)
    apart = np.linalg.norm(near[None] - at[:, None], axis=2) * FINE
    return np.asarray((weight * (apart <= WITHIN)).sum(axis=1) / weight.sum(axis=1), np.float32)
