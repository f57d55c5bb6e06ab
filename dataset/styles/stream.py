"""Streams without an end of what learned readers train on, made as they are wanted.

Everything follows from a seed.  Streams consist of blocks: some films of made-up games, a minute of
made-up play, and clips that use both, each of which gives many samples.  Of several workers each
takes every so many blocks, so that together they give what one alone would, and nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.looks.making import pad_of
from nitropilot.dataset.styles.clip import any_clip
from nitropilot.dataset.styles.films import Shelf
from nitropilot.dataset.styles.scenery import WITHOUT, any_scene
from nitropilot.dataset.synth.states import states

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator

    from nitropilot.dataset.looks.look import Pad
    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.styles.clip import Clip
    from nitropilot.dataset.styles.sample import Sample, Scene

_CLIPS, _SCENES = 0xC1_1B, 0x5C_E4E
"""So that the numbers of one are none of the other's of the same seed."""
CLIPS, FILMS = 32, 6
"""Of a block; as many scenes as clips."""
SECONDS = 60.0
"""Of play, in a block."""
POOL = 330
"""Samples out of which the next one is drawn, so that those of a clip do not follow each other."""
SIZE = (180, 320)
"""Height and width of scenes: half of a video's 640 x 360, as a detector looks at it."""


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
    for clip in clips(seed, worker=worker, workers=workers, styles=styles):
        held += clip.samples()
        if pool <= 1:
            yield from held
            held = []
        while len(held) >= max(pool, 1):
            yield _drawn(rng, held)


def clips(
    seed: int, *, worker: int = 0, workers: int = 1, styles: Sequence[int] | None = None
) -> Iterator[Clip]:
    """What ``samples`` consists of; arguments are the same."""
    for block in _blocks(_CLIPS, seed, worker, workers):
        for rng in block.rngs():
            yield any_clip(_look(rng, styles), block.shelf, block.played, rng)


def scenes(
    seed: int,
    *,
    worker: int = 0,
    workers: int = 1,
    styles: Sequence[int] | None = None,
    size: tuple[int, int] = SIZE,
) -> Iterator[Scene]:
    """Made-up videos, about a third of them without a controller, without an end.

    Args:
        seed: Decides all.
        worker: Which of several streams that have nothing in common.
        workers: How many of them there are.
        styles: Seeds of looks that are taken; None: each scene has a new one.
        size: Height and width, even.
    """
    for block in _blocks(_SCENES, seed, worker, workers):
        for rng in block.rngs():
            pad = None if rng.random() < WITHOUT else _look(rng, styles)
            yield any_scene(pad, block.shelf, block.played, rng, size)


@dataclass(frozen=True)
class _Block:
    """What some clips or scenes have in common.

    Attributes:
        key: What everything of it is drawn from.
        shelf: Films.
        played: A minute of play.
    """

    key: tuple[int, ...]
    shelf: Shelf
    played: PadStates

    def rngs(self) -> Iterator[Generator]:
        """One for each clip."""
        for number in range(CLIPS):
            yield np.random.default_rng([*self.key, number])


def _blocks(kind: int, seed: int, worker: int, workers: int) -> Iterator[_Block]:
    number = worker
    while True:
        key = (kind, seed, number)
        rng = np.random.default_rng(key)
        played = states(rng, SECONDS, float(rng.choice([30, 60])))
        yield _Block(key, Shelf(key, FILMS), played)
        number += workers


def _look(rng: Generator, styles: Sequence[int] | None) -> Pad:
    number = int(rng.integers(2**31))
    return pad_of(number if styles is None else styles[number % len(styles)])


def _drawn(rng: Generator, held: list[Sample]) -> Sample:
    """One of some, which is taken out."""
    index = int(rng.integers(len(held)))
    held[index], held[-1] = held[-1], held[index]
    return held.pop()
