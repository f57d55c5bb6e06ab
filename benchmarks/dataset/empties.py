"""Videos without a controller: on how many one is claimed, and how nearly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.dataset.huds import with_hud
from nitropilot.dataset.synth.clips import Coding, write_frames
from nitropilot.dataset.synth.scenes import KINDS, scene
from nitropilot.dataset.video.frames import open_video

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nitropilot.dataset.locating.locate import Locator

WIDTH, HEIGHT, RATE, FRAMES = 640, 360, 30, 90
"""Three seconds: what moves slowly stands almost still in them."""


class Empty(NamedTuple):
    """One video without a controller, searched.

    Attributes:
        scene: What moves on it.
        hud: Whether something that stands still lies over that.
        claimed: How many controllers were claimed.
        score: The highest that any skin got.
        skin: Which.
        seconds: Of the processor, for the search.
    """

    scene: str
    hud: bool
    claimed: int
    score: float
    skin: str
    seconds: float


def empty(number: int, looks: Locator, path: Path) -> Empty:
    """Make one and search it.

    Args:
        number: Decides all; every second one has something that stands still.
        looks: What is searched with.
        path: Where the video is written.
    """
    rng = np.random.default_rng((99, number))
    kind, hud = sorted(KINDS)[number % len(KINDS)], number % 2 == 1
    pictures = scene(kind, rng, WIDTH, HEIGHT, FRAMES)
    shown = with_hud(pictures, rng) if hud else pictures
    write_frames(path, shown, np.arange(FRAMES) / RATE, Coding())
    video = open_video(path)
    start = time.process_time()
    search = looks.search(video)
    taken = time.process_time() - start
    return Empty(kind, hud, len(search.found), search.best_score, search.best_name, taken)


def told(empties: Sequence[Empty]) -> str:
    """In one line."""
    wrong = sum(each.claimed > 0 for each in empties)
    scores = [each.score for each in empties]
    high = max(empties, key=lambda each: each.score)
    under = f"{high.scene}, something over it" if high.hud else high.scene
    return (
        f"claimed on videos without one: {wrong} of {len(empties)}; highest score {high.score:.2f} "
        f"({high.skin or 'none'}, {under}), 95 % below {np.quantile(scores, 0.95):.2f}; "
        f"{np.mean([each.seconds for each in empties]):.1f} CPU seconds each"
    )
