"""``Eye``: a part's states, told apart in the pictures of one video."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.reading.likelihood import CLEAR, Evidence, State, state
from nitropilot.dataset.reading.presence import Presence, presence_of

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
SOLID = 0.2
"""Where less than this of the background shows through, what is off is noise."""
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
        solid: As in ``Through``, and of both colours.
        stale: Whether colours may be those of a while ago.
    """

    area: Area
    planes: tuple[Evidence | None, ...]
    solid: tuple[Bools, Bools]
    stale: bool = False

    def look(self, crops: Crops) -> Floats:
        """``T x h``: logarithms of how well each state explains each frame."""
        total: Floats | None = None
        for plane, each in enumerate(self.planes):
            if each is None:
                continue
            said = each.of(crops.pixels(plane, self.area))
            if plane and self.stale:
                said = said - said[:, :1]
                said = np.where(said < 0, STALE * said, said)
            total = said if total is None else total + said
        if total is None:
            raise AssertionError("a part that never looks different is none")
        return total

    def residual(self, crops: Crops, states: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """What is left of brightness and colours once states are known: ``T x n`` each.

        Args:
            crops: What is seen.
            states: ``T``: what it shows.
        """
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
        through: Where.
    """

    sight: Sight
    area: Area
    backgrounds: Backgrounds
    through: Through
    _drawn: dict[Moment, Layer] = field(default_factory=dict)
    _known: dict[tuple[Moment, Noise], tuple[State | None, ...]] = field(default_factory=dict)

    def eye(self, moments: Iterable[Moment], noise: Noise, *, stale: bool = False) -> Eye:
        """Tell states apart.

        Args:
            moments: The states, the released one first.
            noise: How far all lies off.
            stale: Whether colours may be those of a while ago.
        """
        known = [self._states(moment, noise) for moment in moments]
        planes = [
            Evidence(tuple(s for s in states if s), self.through.clear[plane > 0])
            if states[0] else None
            for plane, states in enumerate(zip(*known, strict=True))
        ]  # fmt: skip
        solid = self.through.solid
        colours = [solid[1] for plane in planes[1:] if plane]
        twice = np.concatenate(colours) if colours else np.zeros(0, bool)
        return Eye(self.area, tuple(planes), (solid[0], twice), stale)

    def presence(self, moments: Iterable[Moment], noise: Noise) -> Presence:
        """Tell whether it is there.

        Args:
            moments: The states of ``eye``.
            noise: How far all lies off.
        """
        used, background = self.area.light, self.backgrounds[0]
        layers = [self._layer(moment) for moment in moments]
        clear = np.zeros(used.sum(), np.float32)
        nothing = state(clear, clear, clear, 1.0, background, noise.light, 0.0)
        return presence_of(
            np.stack([layer.colour.y[used] for layer in layers]),
            np.stack([layer.alpha[used] for layer in layers]), self.sight.opacity, nothing,
        )  # fmt: skip

    def _layer(self, moment: Moment) -> Layer:
        if moment not in self._drawn:
            self._drawn[moment] = self.sight.layer(moment, self.area.box)
        return self._drawn[moment]

    def _states(self, moment: Moment, noise: Noise) -> tuple[State | None, ...]:
        if (moment, noise) not in self._known:
            layer = self._layer(moment)
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
            self.through.clear[plane > 0],
        )  # fmt: skip


class Through(NamedTuple):
    """What shows through, by the pixels of brightness and of colours that count.

    Attributes:
        clear: Whether the background does in some state.
        solid: Whether in no state much of it does.
    """

    clear: tuple[Bools, Bools]
    solid: tuple[Bools, Bools]


def through(layers: list[Layer], opacity: float, area: Area) -> Through:
    """What shows through a part.

    Args:
        layers: Some of its states; what the others show is near.
        opacity: With which they are drawn.
        area: Where.
    """
    thin = np.min([layer.alpha for layer in layers], axis=0)
    thin_chroma = np.min([layer.chroma_alpha for layer in layers], axis=0)
    clear, solid = [], []
    for alpha, used in ((thin, area.light), (thin_chroma, area.chroma)):
        shows = np.asarray(1 - opacity * alpha, np.float32)
        clear.append(cv2.dilate((shows > CLEAR).astype(np.uint8), NEAR).astype(bool)[used])
        solid.append((shows < SOLID)[used])
    return Through((clear[0], clear[1]), (solid[0], solid[1]))
