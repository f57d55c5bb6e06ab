"""Where a made-up controller stands in a picture, how clear, and what it does there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.maps import box_of
from nitropilot.dataset.styles.sample import HEIGHT, WIDTH, placing
from nitropilot.dataset.synth.states import DPAD

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.looks.look import Pad

WIDE = (60, 500)
"""Pixels of a controller's width."""
USUAL, EVEN = (1.5, 3.4), 0.08
"""Shape of a beta distribution over the logarithm of that, and how often it is even instead: most
are some 80 to 200 wide, as in videos of 640 x 360."""
TALL = 1.35
"""A controller that is tall is taken for this many times as wide as it is high."""
OPACITY = (0.3, 1.0)
TURNED = math.radians(5)
JITTER = 0.022
"""Of a box's sides, that a detector is off (standard deviation); twice that at most."""
AT_EDGE = 0.12
"""How often a video ends close to a controller, on each side."""
OPAQUE = 0.97
"""From this opacity on nothing is seen through."""


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


def any_matrix(pad: Pad, rng: Generator, usual: tuple[float, float] = USUAL) -> NDArray[np.float64]:
    """From a pad's canvas to a picture: larger or smaller, turned, now and then stretched.

    Args:
        pad: Which.
        rng: Decides.
        usual: As ``USUAL``.
    """
    low, high = math.log(WIDE[0]), math.log(WIDE[1])
    share = float(rng.random() if rng.random() < EVEN else rng.beta(*usual))
    wide, canvas = math.exp(low + (high - low) * share), pad.canvas
    scale = max(wide / max(canvas.width, TALL * canvas.height), WIDE[0] / canvas.width)
    angle = float(rng.uniform(-TURNED, TURNED)) if rng.random() < 0.3 else 0.0
    stretch = float(rng.uniform(0.9, 1.1)) if rng.random() < 0.2 else 1.0
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    shift = rng.uniform(0, 1, 2)
    return np.array([[cos, -sin * stretch, shift[0]], [sin, cos * stretch, shift[1]]])


def any_opacity(rng: Generator) -> float:
    """How much of a controller is seen: half of them wholly."""
    return 1.0 if rng.random() < 0.5 else float(rng.uniform(*OPACITY))


def jittered(box: Box, rng: Generator) -> Box:
    """A box as a detector gives it: each side some hundredths off."""
    off = np.clip(rng.normal(0, JITTER, 4), -2 * JITTER, 2 * JITTER)
    sides = np.array(box) + off * [box.width, box.height, box.width, box.height]
    left, top, right, bottom = np.rint(sides).astype(int).tolist()
    return Box(left, top, max(right, left + 4), max(bottom, top + 4))


def any_stage(pad: Pad, rng: Generator) -> Stage:
    """As much of a video as is seen of it; at the video's edge, now and then."""
    matrix = any_matrix(pad, rng)
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


def mixed_up(played: PadStates, rng: Generator) -> PadStates:
    """Now and then other buttons do what some are known for, so that none is rare."""
    if rng.random() < 0.6:
        return played
    own = [index for index, name in enumerate(BUTTONS) if name not in DPAD]
    order = np.arange(len(BUTTONS))
    order[own] = rng.permutation(own)
    return PadStates(played.buttons[:, order], played.sticks, played.triggers)


def starts_of(played: PadStates, rng: Generator, runs: int, run: int) -> list[int]:
    """Where runs begin: what is rare is sought, and some runs are taken as they come.

    Args:
        played: What is done.
        rng: Decides.
        runs: How many.
        run: Frames of each.
    """
    down = played.published()
    rare = (down / np.maximum(down.mean(axis=0), 0.01)).sum(axis=1)
    weights = rare + 0.15 * max(float(rare.mean()), 0.1)
    last = len(played) - run
    at = rng.choice(len(played), runs, p=weights / weights.sum())
    starts: list[int] = np.clip(at - rng.integers(1, run, runs), 0, last).tolist()
    return starts
