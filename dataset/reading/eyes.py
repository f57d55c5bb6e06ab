"""``Eye``: a part's states, told apart in the pictures of one video."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.reading.likelihood import CLEAR, Evidence, State, state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Layer
    from nitropilot.dataset.pad import Moment
    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.reading.background import Surroundings
    from nitropilot.dataset.reading.likelihood import Background
    from nitropilot.dataset.reading.sight import Area, Sight

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

NEAR = np.ones((5, 5), np.uint8)
"""Between positions of a stick that are drawn, its edges are somewhere else, by less than this."""
STALE = 0.3
"""What colours count when they speak for the released state: codecs leave them behind on short
presses."""


class Crops(NamedTuple):
    """The overlay in frames that follow on each other: ``T x h x w`` uint8, colours half of it.

    Attributes:
        y: Brightness.
        u: Colour.
        v: The same.
        box: Which part of the picture it is; from an even pixel on.
    """

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    box: Box

    def pixels(self, plane: int, area: Area) -> Floats:
        """``T x n``: those of an area that count."""
        halves = 2 if plane else 1
        top, left = (
            (area.box.top - self.box.top) // halves,
            (area.box.left - self.box.left) // halves,
        )
        used = area.chroma if plane else area.light
        height, width = used.shape
        whole = (self.y, self.u, self.v)[plane]
        part = whole[:, top : top + height, left : left + width]
        return part.reshape(len(part), -1)[:, used.ravel()].astype(np.float32)


@dataclass(frozen=True)
class Noise:
    """How far what is seen lies from what is drawn.

    Attributes:
        light: Standard deviation of a pixel's brightness, in levels.
        chroma: The same of its colours.
        wobble: Of where it lies, in pixels.
    """

    light: float = 7.0
    chroma: float = 6.0
    wobble: float = 0.12

    def more(self, times: float) -> Noise:
        """So many times as much of everything."""
        return Noise(self.light * times, self.chroma * times, self.wobble * times)


@dataclass(frozen=True, eq=False)
class Eye:
    """Tells some states of a part apart.

    Attributes:
        area: Where it looks.
        planes: Evidence of brightness and both colours; None where nothing changes.
        stale: Whether colours may be those of a while ago.
    """

    area: Area
    planes: tuple[Evidence | None, ...]
    stale: bool = False

    def look(self, crops: Crops) -> tuple[Floats, Floats]:
        """Look at ``T`` frames.

        Returns:
            ``T x h``: logarithms of how well each state explains each frame; ``T``: by how much
            the best does it better than nothing, see ``Evidence``.
        """
        total = there = np.zeros((len(crops.y), 1), np.float32)
        for plane, each in enumerate(self.planes):
            if each is None:
                continue
            said, better = each.of(crops.pixels(plane, self.area))
            if plane and self.stale:
                said = said - said[:, :1]
                said = np.where(said < 0, STALE * said, said)
            total = total + said
            there = there + better[:, None]
        return total, there[:, 0]

    def residual(self, crops: Crops, states: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """What is left of brightness and colours once states are known: ``T x n`` each."""
        left = []
        for plane, each in enumerate(self.planes):
            if each is None:
                left.append(np.zeros((len(states), 0), np.float32))
            else:
                seen = crops.pixels(plane, self.area)
                left.append(each.left(seen, states))
        return left[0], np.concatenate(left[1:], axis=1)


class Backgrounds:
    """What shows through, for each shape that is asked for once."""

    def __init__(self, surroundings: Surroundings, area: Area) -> None:
        self._of = [
            surroundings.background(plane, area.chroma if plane else area.light)
            for plane in range(3)
        ]

    def __getitem__(self, plane: int) -> Background:
        return self._of[plane]


@dataclass(eq=False)
class Shower:
    """What states of a part look like in its area, each worked out when it is first asked for.

    Attributes:
        sight: How the template looks in this video.
        area: Where.
        backgrounds: What shows through there.
        clear: Of brightness and of colours: which of the pixels that count let it through in some
            state; None for all.
    """

    sight: Sight
    area: Area
    backgrounds: Backgrounds
    clear: tuple[Bools, Bools] | None = None
    _drawn: dict[Moment, Layer] = field(default_factory=dict)
    _known: dict[tuple[Moment, Noise], tuple[State | None, ...]] = field(default_factory=dict)

    def eye(
        self, moments: Iterable[Moment], noise: Noise, *, stale: bool = False, ask: bool = False
    ) -> Eye:
        """Tell states apart.

        Args:
            moments: The states, the released one first.
            noise: How far all lies off.
            stale: Whether colours may be those of a while ago.
            ask: Whether it is asked, too, if anything is drawn at all.
        """
        known = [self._states(moment, noise) for moment in moments]
        planes = [
            Evidence(
                tuple(s for s in states if s), self._clear(plane),
                self._nothing(plane, noise) if ask else None,
            ) if states[0] else None
            for plane, states in enumerate(zip(*known, strict=True))
        ]  # fmt: skip
        return Eye(self.area, tuple(planes), stale)

    def _nothing(self, plane: int, noise: Noise) -> State:
        background = self.backgrounds[plane]
        clear = np.zeros(len(background.patterns), np.float32)
        level = noise.chroma if plane else noise.light
        return state(clear, clear, clear, 1.0, background, level, 0.0)

    def _clear(self, plane: int) -> Bools | None:
        return self.clear[plane > 0] if self.clear else None

    def _states(self, moment: Moment, noise: Noise) -> tuple[State | None, ...]:
        if (moment, noise) not in self._known:
            if moment not in self._drawn:
                self._drawn[moment] = self.sight.layer(moment, self.area.box)
            layer = self._drawn[moment]
            planes = tuple(self._state(layer, plane, noise) for plane in range(3))
            self._known[moment, noise] = planes
        return self._known[moment, noise]

    def _state(self, layer: Layer, plane: int, noise: Noise) -> State | None:
        used = self.area.chroma if plane else self.area.light
        if not used.any():
            return None
        colour = layer.colour[plane]
        alpha = layer.chroma_alpha if plane else layer.alpha
        opacity, background = self.sight.opacity, self.backgrounds[plane]
        edges = np.hypot(*np.gradient(opacity * colour + (1 - opacity * alpha) * background.mean))
        return state(
            colour[used], alpha[used], edges[used], opacity, background,
            noise.chroma if plane else noise.light, noise.wobble / (2 if plane else 1),
            self._clear(plane),
        )  # fmt: skip


def clear(layers: Iterable[Layer], opacity: float, area: Area) -> tuple[Bools, Bools]:
    """Which of the pixels that count let the background through in some state.

    Args:
        layers: Some of a part's states; what the others show is near.
        opacity: With which they are drawn.
        area: Where.
    """
    layers = list(layers)
    thin = np.min([layer.alpha for layer in layers], axis=0)
    thin_chroma = np.min([layer.chroma_alpha for layer in layers], axis=0)
    found = [
        cv2.dilate((1 - opacity * alpha > CLEAR).astype(np.uint8), NEAR).astype(bool)[used]
        for alpha, used in ((thin, area.light), (thin_chroma, area.chroma))
    ]
    return found[0], found[1]
