"""``Watched``: a video that is looked at while others decode it.

Decoding is most of what a video costs, so it is done once: each frame that passes by on its way to
whoever reads the controller leaves a small grey picture here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.video.frames import PLAIN, Video

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av.container
    import av.video
    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box

    Small = NDArray[np.uint8]

WIDE, HIGH = 32, 18
"""Of the small pictures."""
EVERY_S = 0.5
"""Seconds from one that is kept to the next."""
STANDS = 0.6
"""Levels of 255, on average over a small picture, by which one that stands may change: what is
left of a codec's noise in means of some hundred pixels."""
CUT = 12.0
"""Levels by which a cut changes it at least, in a dark game, and so many times more than is usual
there."""
TIMES = 5.0
FLASH = 60.0
"""Levels of brightness by which a flash goes up, and down again."""
FLASH_S = 0.4
"""How long a flash is at most."""
PRINTS = 16
"""Places of a video that its fingerprint is made of."""
NEAR_S = 2.0
"""How far from such a place the picture may be."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What the pictures of a video did.

    Attributes:
        times: ``N`` float64: of all frames.
        change: ``N`` float32: levels by which a frame's small picture differs from that of the
            frame before; NaN where one of them was not seen.
        light: ``N`` float32: mean level; NaN where it was not seen.
        numbers: ``M`` int64, rising: frames whose small pictures are kept.
        small: ``M x 18 x 32`` uint8: those.
    """

    times: NDArray[np.float64]
    change: NDArray[np.float32]
    light: NDArray[np.float32]
    numbers: NDArray[np.int64]
    small: NDArray[np.uint8]

    def cuts(self) -> NDArray[np.int64]:
        """First frames after a cut."""
        found = []
        for at in np.flatnonzero(np.nan_to_num(self.change) > CUT):
            around = np.concatenate(
                [self.change[max(at - 8, 0) : at], self.change[at + 1 : at + 9]]
            )
            usual = np.nanmedian(around) if np.isfinite(around).any() else 0.0
            if self.change[at] > TIMES * max(float(usual), 1.0):
                found.append(at)
        return np.array(found, np.int64)

    def flashes(self) -> NDArray[np.int64]:
        """Frames at which the picture gets bright all at once, for a moment."""
        light = self.light
        rises = np.flatnonzero(np.nan_to_num(np.diff(light, prepend=light[:1])) > FLASH)
        found = []
        for at in rises:
            until = int(np.searchsorted(self.times, self.times[at] + FLASH_S, "right"))
            after = light[at:until]
            if np.nan_to_num(after, nan=255.0).min(initial=255.0) < light[at] - FLASH:
                found.append(at)
        return np.array(found, np.int64)

    def still(self, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of some frames, whether the picture stands from the kept one before to the one after."""
        if len(self.numbers) < 2:
            return np.zeros(len(frames), bool)
        apart = np.abs(np.diff(self.small.astype(np.int16), axis=0)).mean(axis=(1, 2))
        close = np.diff(self.times[self.numbers]) < 4 * EVERY_S
        stands = (apart < STANDS) & close
        at = np.searchsorted(self.numbers, frames, "right") - 1
        inside = (at >= 0) & (frames <= self.numbers[-1])
        found: NDArray[np.bool_] = inside & stands[np.clip(at, 0, len(stands) - 1)]
        return found

    def fingerprint(self) -> str:
        """Sixteen places of the video, 64 bits each, as digits: which of neighbours is brighter.

        It stays much the same when a video is encoded again or made smaller; "" where nothing was
        seen.
        """
        if not len(self.numbers):
            return ""
        kept = self.times[self.numbers]
        bits = []
        for place in (np.arange(PRINTS) + 0.5) / PRINTS * self.times[-1]:
            nearest = int(np.argmin(np.abs(kept - place)))
            small = cv2.resize(self.small[nearest], (9, 8), interpolation=cv2.INTER_AREA)
            lit = small[:, 1:] > small[:, :-1]
            bits.append(lit if abs(kept[nearest] - place) <= NEAR_S else np.zeros((8, 8), bool))
        return np.packbits(np.stack(bits)).tobytes().hex()


@dataclass
class Watched(Video):
    """A video that remembers what it showed while it was decoded.

    Attributes:
        watching: Whether it does.
        crops: Frames of which a part is kept in colour, ``h x w x 3`` RGB uint8, once they pass.
        crop: Which part: inside the picture.
        sizes: Width and height of the frames that have another size than those before, by number.
    """

    watching: bool = False
    crops: dict[int, NDArray[np.uint8] | None] = field(default_factory=dict)
    crop: Box | None = None
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.times)
        self._change = np.full(count, np.nan, np.float32)
        self._light = np.full(count, np.nan, np.float32)
        self._kept: dict[int, Small] = {}
        self._last: tuple[int, Small] | None = None

    @classmethod
    def of(cls, video: Video) -> Watched:
        """A video that has been opened."""
        return cls(**{each.name: getattr(video, each.name) for each in fields(Video)})

    def size_at(self, number: int) -> tuple[int, int]:
        """Width and height of a frame that was watched."""
        known = [at for at in self.sizes if at <= number]
        return self.sizes[max(known)] if known else (self.width, self.height)

    def scene(self) -> Scene:
        """What was seen until now."""
        numbers = np.array(sorted(self._kept), np.int64)
        small = [self._kept[number] for number in numbers.tolist()]
        kept = np.array(small, np.uint8).reshape(-1, HIGH, WIDE)
        return Scene(self.times, self._change, self._light, numbers, kept)

    def _counted(
        self,
        container: av.container.InputContainer,
        stream: av.video.stream.VideoStream,
        unit: float,
    ) -> Iterator[tuple[int, float, av.VideoFrame]]:
        size = (self.width, self.height)
        for number, time, frame in super()._counted(container, stream, unit):
            if self.watching and number < len(self.times):
                if (frame.width, frame.height) != size:
                    size = (frame.width, frame.height)
                    self.sizes[number] = size
                self._see(number, frame)
            yield number, time, frame

    def _see(self, number: int, frame: av.VideoFrame) -> None:
        small = _small(frame)
        self._light[number] = small.mean()
        if self._last is not None and self._last[0] == number - 1:
            difference = cv2.absdiff(small, self._last[1])
            self._change[number] = difference.mean()
        self._last = (number, small)
        step = max(round(EVERY_S * self.rate), 1)
        if number % step == 0:
            self._kept[number] = small
        if self.crop is not None and number in self.crops and self.crops[number] is None:
            box = self.crop.inside(frame.width, frame.height)
            whole = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            self.crops[number] = whole[box.top : box.bottom, box.left : box.right].copy()


def _small(frame: av.VideoFrame) -> Small:
    if frame.format.name not in PLAIN:
        little = frame.reformat(width=4 * WIDE, height=4 * HIGH, format="gray")
    else:
        little = frame
    plane = little.planes[0]
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    whole = whole[: little.height, : little.width]
    # Every few of the pixels will do: the means are over some hundred all the same.
    step = max(min(little.width // (4 * WIDE), little.height // (4 * HIGH)), 1)
    picture = np.ascontiguousarray(whole[::step, ::step])
    return np.asarray(cv2.resize(picture, (WIDE, HIGH), interpolation=cv2.INTER_AREA), np.uint8)
