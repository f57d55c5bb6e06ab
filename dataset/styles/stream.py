"""Streams without an end of what learned readers train on, made as they are wanted.

Everything follows from a seed.  Streams consist of blocks: some films of made-up games, a minute of
made-up play, and clips that use both, each of which gives many samples.  Of several workers each
takes every so many blocks, so that together they give what one alone would, and nothing twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.coding import any_coding, coded
from nitropilot.dataset.styles.films import FLAT, Shelf, Window
from nitropilot.dataset.styles.making import pad_of
from nitropilot.dataset.styles.maps import box_of, drawn_of, places_of
from nitropilot.dataset.styles.sample import HEIGHT, WIDTH, Sample, cut, placing
from nitropilot.dataset.styles.shown import Shown
from nitropilot.dataset.synth.states import DPAD, states

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.styles.look import Pad
    from nitropilot.dataset.styles.shown import Planes8

_CLIPS = 0xC1_1B
"""So that a clip's numbers are none of anything else's of the same seed."""
CLIPS, FILMS = 24, 6
"""Of a block."""
SECONDS = 60.0
"""Of play, in a block."""
RUNS, RUN = 5, 8
"""Stretches of play in a clip, and frames of each; the first of these has none before it."""
POOL = 160
"""Samples out of which the next one is drawn, so that those of a clip do not follow each other."""
WIDE = (60, 500)
"""Pixels of a controller's width."""
OPACITY = (0.3, 1.0)
TURNED = math.radians(5)
JITTER = 0.022
"""Of a box's sides, that a detector is off (standard deviation); twice that at most."""
AT_EDGE = 0.12
"""How often a video ends close to a controller, on each side."""


def samples(
    seed: int,
    *,
    worker: int = 0,
    workers: int = 1,
    styles: Sequence[int] | None = None,
    pool: int = POOL,
) -> Iterator[Sample]:
    """Moments of made-up controllers, without an end.

    Args:
        seed: Decides all.
        worker: Which of several streams that have nothing in common.
        workers: How many of them there are.
        styles: Seeds of looks that are taken; None: each clip has a new one.
        pool: Out of how many the next sample is drawn; 1 leaves them in the order of their clips.
    """
    rng = np.random.default_rng([_CLIPS, seed, worker, workers])
    held: list[Sample] = []
    for clip in _clips(seed, worker, workers, styles):
        held += clip.samples()
        while len(held) >= max(pool, 1):
            last = held.pop(0) if pool <= 1 else _drawn(rng, held)
            yield last


def _drawn(rng: Generator, held: list[Sample]) -> Sample:
    """One of some, which is taken out."""
    index = int(rng.integers(len(held)))
    held[index], held[-1] = held[-1], held[index]
    return held.pop()


def _clips(
    seed: int, worker: int, workers: int, styles: Sequence[int] | None
) -> Iterator[Clip]:  # fmt: skip
    block = worker
    while True:
        shelf = Shelf((seed, block), FILMS)
        rng = np.random.default_rng([_CLIPS, seed, block])
        played = states(rng, SECONDS, float(rng.choice([30, 60])))
        for number in range(CLIPS):
            own = np.random.default_rng([_CLIPS, seed, block, number])
            look = int(own.integers(2**31))
            if styles is not None:
                look = styles[look % len(styles)]
            yield _clip(pad_of(look), shelf, played, own)
        block += workers


class Stage(NamedTuple):
    """Where a controller is in a clip.

    Attributes:
        matrix: ``2 x 3``, from its canvas to the clip.
        width: Of the clip, even.
        height: The same.
        box: As a detector would give it.
    """

    matrix: NDArray[np.float64]
    width: int
    height: int
    box: Box


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip that is to be made.

    Attributes:
        pad: The controller in it.
        stage: Where that is.
        opacity: How much of it is seen.
        played: What it does.
        starts: Where in this each run begins.
        shelf: Films that lie under it.
        rng: Decides the rest.
    """

    pad: Pad
    stage: Stage
    opacity: float
    played: PadStates
    starts: list[int]
    shelf: Shelf
    rng: Generator

    def frames(self) -> Iterator[Planes8]:
        """Before they are coded."""
        stage, rng = self.stage, self.rng
        shown = Shown(self.pad, stage.matrix, stage.width, stage.height, self.opacity)
        films = rng.integers(self.shelf.count, size=2).tolist()
        still = rng.random() < FLAT
        window = None
        for start in self.starts:
            if window is None or not still:
                film = None if still else self.shelf.film(films[int(rng.integers(2))])
                window = Window(film, rng, stage.width, stage.height)
            lit = bool(rng.random() < 0.25)
            for index in range(RUN):
                lit ^= bool(rng.random() < 0.06)
                picture = window.frame(index)
                shown.over(picture, self.played, start + index, lit)
                yield picture

    def samples(self) -> list[Sample]:
        """What a learned reader sees of it."""
        stage, pad = self.stage, self.pad
        coding = any_coding(self.rng)
        seen = coded(self.frames(), stage.width, stage.height, coding)
        pictures = [cut(picture, stage.box) for picture in seen]
        reference = np.sort(np.stack(pictures[1::3]), axis=0)[len(pictures[1::3]) // 2]
        to = placing(stage.box)
        matrix = to[:2, :2] @ stage.matrix
        matrix[:, 2] += to[:2, 2]
        size = (HEIGHT, WIDTH)
        places, drawn = places_of(pad, matrix, size), drawn_of(pad, matrix, size)
        buttons = self.played.published()
        opaque = pad.filled and self.opacity > 0.97
        found = []
        for run, start in enumerate(self.starts):
            for index in range(1, RUN):
                at, now = run * RUN + index, start + index
                found.append(Sample(
                    np.stack(pictures[at - 1 : at + 1]), reference, buttons[now],
                    self.played.sticks[now], pad.shown_buttons, pad.shown_sticks, places, drawn,
                    opaque, pad.seed,
                ))  # fmt: skip
        return found


def _clip(pad: Pad, shelf: Shelf, played: PadStates, rng: Generator) -> Clip:
    """Where, how clear, and which part of what is played."""
    matrix = any_matrix(pad, rng)
    stage = _stage(pad, matrix, rng)
    opacity = 1.0 if rng.random() < 0.5 else float(rng.uniform(*OPACITY))
    mine = pad.seen_of(_mixed_up(played, rng))
    return Clip(pad, stage, opacity, mine, _starts(mine, rng), shelf, rng)


def any_matrix(pad: Pad, rng: Generator, most: float = WIDE[1]) -> NDArray[np.float64]:
    """From a pad's canvas to a picture: larger or smaller, turned, now and then stretched."""
    low, high = math.log(WIDE[0]), math.log(WIDE[1])
    wide = min(math.exp(low + (high - low) * float(rng.beta(1.6, 2.4))), most)
    scale = wide / pad.width
    angle = float(rng.uniform(-TURNED, TURNED)) if rng.random() < 0.3 else 0.0
    stretch = float(rng.uniform(0.9, 1.1)) if rng.random() < 0.2 else 1.0
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    shift = rng.uniform(0, 1, 2)
    return np.array([[cos, -sin * stretch, shift[0]], [sin, cos * stretch, shift[1]]])


def jittered(box: Box, rng: Generator) -> Box:
    """A box as a detector gives it: each side some hundredths off."""
    off = np.clip(rng.normal(0, JITTER, 4), -2 * JITTER, 2 * JITTER)
    sides = np.array(box) + off * [box.width, box.height, box.width, box.height]
    left, top, right, bottom = np.rint(sides).astype(int).tolist()
    return Box(left, top, max(right, left + 4), max(bottom, top + 4))


def _stage(pad: Pad, matrix: NDArray[np.float64], rng: Generator) -> Stage:
    """As much of a video as is seen of it; at the video's edge, now and then."""
    box = box_of(pad, matrix)
    guessed = jittered(box, rng)
    inverse = np.linalg.inv(placing(guessed))
    left, top = inverse[:2, 2]
    right, bottom = (inverse @ [WIDTH, HEIGHT, 1])[:2]
    edges = rng.random(4) < AT_EDGE
    gaps = rng.uniform(0, 0.08, 4) * box.width
    if edges[0]:
        left = max(left, box.left - gaps[0])
    elif edges[2]:
        right = min(right, box.right + gaps[2])
    if edges[1]:
        top = max(top, box.top - gaps[1])
    elif edges[3]:
        bottom = min(bottom, box.bottom + gaps[3])
    x, y = math.floor(left) - 1, math.floor(top) - 1
    width, height = (-(-(math.ceil(far) + 1 - near) // 2) * 2 for far, near in
                     ((right, x), (bottom, y)))  # fmt: skip
    moved = matrix - [[0, 0, x], [0, 0, y]]
    seen = Box(guessed.left - x, guessed.top - y, guessed.right - x, guessed.bottom - y)
    return Stage(moved, max(width, 32), max(height, 32), seen)


def _mixed_up(played: PadStates, rng: Generator) -> PadStates:
    """Now and then other buttons do what some are known for, so that none is rare."""
    if rng.random() < 0.6:
        return played
    own = [index for index, name in enumerate(BUTTONS) if name not in DPAD]
    order = np.arange(len(BUTTONS))
    order[own] = rng.permutation(own)
    return PadStates(played.buttons[:, order], played.sticks, played.triggers)


def _starts(played: PadStates, rng: Generator) -> list[int]:
    """Where runs begin: what is rare is sought, and some runs are taken as they come."""
    down = played.published()
    rare = down / np.maximum(down.mean(axis=0), 0.01)
    weights = rare.sum(axis=1) + 0.15 * max(float(rare.sum(axis=1).mean()), 0.1)
    last = len(played) - RUN
    at = rng.choice(len(played), RUNS, p=weights / weights.sum())
    starts: list[int] = np.clip(at - rng.integers(1, RUN, RUNS), 0, last).tolist()
    return starts
