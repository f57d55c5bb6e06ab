"""Made-up videos as lessons for the detector: some views, and what is to be said of each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from nitropilot.dataset.detecting.boxes import Said, Sides, said_of
from nitropilot.dataset.detecting.detector import FEWEST
from nitropilot.dataset.detecting.view import HEIGHT, WIDTH, around, cues, view, whole
from nitropilot.dataset.errors import DatasetError
from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.styles.sample import Scene

LEARN, HELD_OUT = 0, 1
"""Streams of random numbers."""
LEARNED, UNSEEN_LOOKS = range(1, 2**31, 2), range(0, 2**31, 2)
"""Looks that are learned from, and those that are held out, by the seeds from which they follow."""
PAIRS = 2
"""Of views of a scene: the whole picture or most of it, and a closer look."""
SOME_FRAMES = 0.4
"""Share of views that have fewer frames than their scene: a controller may be there for a while."""
ELSEWHERE = 0.2
"""Share of closer looks at another place than the controller's: the first look errs, too."""
OFF, LARGER = 0.08, 0.15
"""Standard deviations of how a first look errs: by its box's sides, and by the power of e."""
NARROWEST, WIDEST = 0.1, 0.45
"""Of a picture's width, that places have which are looked at and hold no controller."""
SEEN, UNSEEN = 0.8, 0.3
"""Share of a box in a view from which on it is to be seen, and up to which it is not."""
TRIES = 20


class Source(Protocol):
    """Made-up videos, as many as are wanted, decided by a seed: ``styles.stream.scenes``."""

    def __call__(self, seed: int, *, styles: Sequence[int]) -> Iterator[Scene]:
        """Those of a seed, with looks among ``styles``."""
        ...


class Lessons(NamedTuple):
    """Views, and what is to be said of them.

    Attributes:
        cues: ``B x CHANNELS x HEIGHT x WIDTH`` uint8.
        said: ``B``.
    """

    cues: NDArray[np.uint8]
    said: list[Said]

    def part(self, which: slice) -> Lessons:
        """Some of them."""
        return Lessons(self.cues[which], self.said[which])


@dataclass(frozen=True)
class Blocks:
    """The lessons of a run, a block at a time, each by its number alone, whoever makes it.

    Attributes:
        source: Of scenes.
        seed: Of the run.
        scenes: Of a block; each gives ``2 PAIRS`` views.
    """

    source: Source
    seed: int
    scenes: int

    def __getitem__(self, number: int) -> Lessons:
        """A block, mixed."""
        rng = np.random.default_rng((self.seed, LEARN, number))
        drawn = _drawn(self.source, rng, LEARNED, self.scenes)
        views = [view for scene in drawn for _ in range(PAIRS) for view in lessons(scene, rng)]
        mixed = [views[index] for index in rng.permutation(len(views)).tolist()]
        return Lessons(np.stack([cue for cue, _ in mixed]), [said for _, said in mixed])


@dataclass(frozen=True)
class HeldOut:
    """Scenes of looks that are never learned from, a block at a time.

    Attributes:
        source: Of scenes.
        seed: Of the run.
        scenes: Of a block.
    """

    source: Source
    seed: int
    scenes: int

    def __getitem__(self, number: int) -> list[Scene]:
        """A block."""
        rng = np.random.default_rng((self.seed, HELD_OUT, number))
        return list(_drawn(self.source, rng, UNSEEN_LOOKS, self.scenes))


def _drawn(source: Source, rng: Generator, styles: Sequence[int], count: int) -> Iterator[Scene]:
    """So many scenes of a seed of their own.

    Raises:
        DatasetError: The source has fewer.
    """
    missing = count
    for scene in islice(source(int(rng.integers(2**31)), styles=styles), count):
        missing -= 1
        yield scene
    if missing:
        raise DatasetError("there are no more made-up videos to learn from", "see what gives them")


def lessons(scene: Scene, rng: Generator) -> list[tuple[NDArray[np.uint8], Said]]:
    """A pair of views of a scene: the whole picture or most of it, and a closer look."""
    height, width = scene.pictures.shape[1:3]
    windows = _far(scene.box, width, height, rng), _near(scene.box, width, height, rng)
    made = []
    for window in windows:
        seen = cues(view(_frames(scene.pictures, rng), window))
        box = _seen(scene.box, window)
        if rng.random() < 0.5:
            seen = seen[:, :, ::-1]
            box = box and Sides(WIDTH - box.right, box.top, WIDTH - box.left, box.bottom)
        made.append((np.ascontiguousarray(seen), said_of(box, HEIGHT, WIDTH)))
    return made


def _frames(pictures: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    count = len(pictures)
    if rng.random() >= SOME_FRAMES or count <= FEWEST:
        return pictures
    some = int(rng.integers(FEWEST, count))
    return pictures[np.sort(rng.choice(count, some, replace=False))]


def _far(box: Box | None, width: int, height: int, rng: Generator) -> Box:
    """The window of a first look; half the time another one that holds the controller, too."""
    window = whole(width, height)
    if rng.random() < 0.5:
        return window
    for _ in range(TRIES):
        scale = rng.uniform(0.6, 1.1)
        wide, high = round(scale * window.width), round(scale * window.height)
        left = round(rng.uniform(-0.1, 1.1 - scale) * width)
        top = round(rng.uniform(-0.1, 1.1 - scale) * height)
        other = Box(left, top, left + wide, top + high)
        if _is_clear(box, other, width, height) and (box is None or _share(box, other) >= SEEN):
            return other
    return window


def _near(box: Box | None, width: int, height: int, rng: Generator) -> Box:
    """The window of a closer look, at the controller or elsewhere."""
    if box is None or rng.random() < ELSEWHERE:
        for _ in range(TRIES):
            wide = rng.uniform(NARROWEST, WIDEST) * width
            high = wide / rng.uniform(1.1, 2.0)
            left, top = rng.uniform(0, width - wide), rng.uniform(0, max(height - high, 1))
            window = around(Sides(left, top, left + wide, top + high).whole())
            if _is_clear(box, window, width, height):
                return window
    if box is None:
        return whole(width, height)
    x = (box.left + box.right) / 2 + rng.normal(0, OFF) * box.width
    y = (box.top + box.bottom) / 2 + rng.normal(0, OFF) * box.height
    wide, high = (side / 2 * np.exp(rng.normal(0, LARGER)) for side in (box.width, box.height))
    return around(Sides(x - wide, y - high, x + wide, y + high).whole())


def _is_clear(box: Box | None, window: Box, width: int, height: int) -> bool:
    """Whether a window shows some of the picture, and a controller or not, but no part of one."""
    inside = window.inside(width, height)
    if inside.width * inside.height < 0.2 * window.width * window.height:
        return False
    return box is None or not UNSEEN < _share(box, window) < SEEN


def _share(box: Box, window: Box) -> float:
    """How much of a box is in a window."""
    wide = min(box.right, window.right) - max(box.left, window.left)
    high = min(box.bottom, window.bottom) - max(box.top, window.top)
    return max(wide, 0) * max(high, 0) / max(box.width * box.height, 1)


def _seen(box: Box | None, window: Box) -> Sides | None:
    """A box in pixels of a view; None where the view has too little of it."""
    if box is None or _share(box, window) < SEEN:
        return None
    sides = Sides(*map(float, box))
    return sides.moved(-window.left, -window.top, WIDTH / window.width)
