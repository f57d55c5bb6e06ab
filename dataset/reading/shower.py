"""``Shower``: what the states of a part look like in one video."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Layer, Planes
from nitropilot.dataset.reading.eyes import Crops, Eye, Noise
from nitropilot.dataset.reading.likelihood import CLEAR, Evidence, State, state
from nitropilot.dataset.reading.presence import Presence, presence_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.pad import Moment
    from nitropilot.dataset.reading.background import Backgrounds
    from nitropilot.dataset.reading.sight import Area, Sight

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

NEAR = np.ones((5, 5), np.uint8)
"""Between positions of a stick that are drawn, its edges are somewhere else, by less than this."""
SOLID = 0.2
"""Where less than this of the background shows through, what is off is noise."""


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

    def learn(self, crops: Crops, shown: Sequence[tuple[Moment, ...]]) -> float:
        """Take what stands behind from frames of which it is known what they show.

        Args:
            crops: They.
            shown: What each may show; each of it as likely.

        Returns:
            What neither explains: the sum of the squares of brightness and colours.
        """
        kinds = {some: number for number, some in enumerate(dict.fromkeys(shown))}
        which = np.array([kinds[some] for some in shown])
        layers = [_mean([self._layer(moment) for moment in some]) for some in kinds]
        rest = 0.0
        for plane in range(3):
            used = self.area.chroma if plane else self.area.light
            colours = np.stack([layer.colour[plane][used] for layer in layers])
            alphas = np.stack([(layer.chroma_alpha if plane else layer.alpha)[used]
                               for layer in layers])  # fmt: skip
            opacity, seen = self.sight.opacity, crops.pixels(plane, self.area)
            left = seen - opacity * colours[which]
            through = 1 - opacity * alphas[which]
            self.backgrounds.learn(plane, left, through)
            rest += float(np.square(left - through * self.backgrounds[plane].mean).sum())
        self._known.clear()
        return rest

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
        edges = np.hypot(*np.gradient(opacity * colour + (1 - opacity * alpha) * background.level))
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


def _mean(layers: list[Layer]) -> Layer:
    """What is drawn on average."""
    if len(layers) == 1:
        return layers[0]
    colour, alpha, chroma_alpha = zip(*layers, strict=True)
    planes = Planes(*(np.mean(each, axis=0) for each in zip(*colour, strict=True)))
    return Layer(planes, np.mean(alpha, axis=0), np.mean(chroma_alpha, axis=0))
