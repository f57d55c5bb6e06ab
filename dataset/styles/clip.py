"""``Clip``: some stretches of made-up play with a made-up controller, and samples of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.looks.shown import Shown
from nitropilot.dataset.styles.coding import any_coding, coded
from nitropilot.dataset.styles.films import FLAT, Shelf, Window
from nitropilot.dataset.styles.maps import drawn_of, places_of
from nitropilot.dataset.styles.sample import HEIGHT, WIDTH, Sample, cut, placing
from nitropilot.dataset.styles.staging import (
    OPAQUE,
    Stage,
    any_opacity,
    any_stage,
    mixed_up,
    starts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.looks.look import Pad
    from nitropilot.dataset.looks.shown import Planes8
    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.synth.clips import Coding

RUNS, RUN = 6, 12
"""Stretches of play in a clip, and frames of each; the first of these has none before it."""
SEEN = 15
"""Frames of a clip of which the reference is the median; odd."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip that is to be made; made once, since it draws from ``rng``.

    Attributes:
        pad: The controller in it.
        stage: Where that is.
        opacity: How much of it is seen.
        played: What it does.
        starts: Where in this each run begins.
        shelf: Films that lie under it.
        coding: How it is written.
        rng: Decides the rest.
    """

    pad: Pad
    stage: Stage
    opacity: float
    played: PadStates
    starts: list[int]
    shelf: Shelf
    coding: Coding
    rng: Generator

    @property
    def opaque(self) -> bool:
        """Whether nothing of the game shows through."""
        return self.pad.filled and self.opacity >= OPAQUE

    @property
    def rows(self) -> list[int]:
        """Which of ``played`` each frame shows."""
        return [start + index for start in self.starts for index in range(RUN)]

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
        seen = coded(self.frames(), stage.width, stage.height, self.coding)
        pictures = [cut(picture, stage.box) for picture in seen]
        reference = median([pictures[at * len(pictures) // SEEN] for at in range(SEEN)])
        to = placing(stage.box)
        matrix = to[:2, :2] @ stage.matrix
        matrix[:, 2] += to[:2, 2]
        size = (HEIGHT, WIDTH)
        places, drawn = places_of(pad, matrix, size), drawn_of(pad, matrix, size)
        buttons, rows = self.played.published(), self.rows
        return [
            Sample(
                np.stack(pictures[at - 1 : at + 1]), reference, buttons[rows[at]],
                self.played.sticks[rows[at]], pad.shown_buttons, pad.shown_sticks, places, drawn,
                self.opaque, pad.seed,
            )
            for at in range(len(rows)) if at % RUN
        ]  # fmt: skip


def any_clip(pad: Pad, shelf: Shelf, played: PadStates, rng: Generator) -> Clip:
    """Where it is, how clear, and which part of what is played."""
    stage, opacity = any_stage(pad, rng), any_opacity(rng)
    mine = pad.seen_of(mixed_up(played, rng))
    starts = starts_of(mine, rng, RUNS, RUN)
    return Clip(pad, stage, opacity, mine, starts, shelf, any_coding(rng), rng)


def median(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Of an odd number of pictures, each value on its own.

    They are sorted by exchanging whole pictures' lesser and greater values between neighbours, by
    turns the even and the odd ones (a network of odd-even transpositions): thirty times as fast
    here as sorting each value's few.
    """
    rows = list(pictures)
    for turn in range(len(rows)):
        for at in range(turn % 2, len(rows) - 1, 2):
            one, other = rows[at : at + 2]
            rows[at : at + 2] = np.minimum(one, other), np.maximum(one, other)
    return rows[len(rows) // 2]
