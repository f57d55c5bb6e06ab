"""A pose to a few hundredths of a pixel, by the pixels themselves.

The skin is drawn at a pose, laid over its blurred surroundings, and compared with the temporal
median of a video: what the game does is gone there, and of the controls what is held for less than
half of the time.  Place, size and opacity are then changed to make the difference small, as Lucas
and Kanade (1981) align images: Gauss-Newton steps with a damping (Levenberg-Marquardt), and a
robust cost (Cauchy's), so that a stick that is mostly held pulls at nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.drawing.planes import Layer, Planes
from nitropilot.dataset.drawing.projection import UPRIGHT
from nitropilot.dataset.locating.leastsquares import (
    Seen,
    best_opacity,
    blurred,
    cost_of,
    next_step,
    paired,
    spread,
)
from nitropilot.dataset.locating.neutral import Neutral, ground, neutral
from nitropilot.dataset.pose import Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Colours
    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.templates.template import Template

    Vector = NDArray[np.float64]

BLUR = 1.5
"""In pixels, of the first steps: what is blurred is drawn to its place from further away."""
QUICK_STEPS = 6
STEPS = 10
SMALL = 0.002
"""A step by which no point of the skin moves more than that many pixels is the last."""
BUMP = 0.1
"""Pixels by which a pose is changed to see what changes."""
CHROMA = 0.5
"""What a plane of colour counts: codecs change it more than brightness."""
FREE_GAIN = 0.97
"""A turn or a stretch is believed if the cost falls to this share: most overlays have neither."""
MAYBE_UPRIGHT = math.radians(2)
"""Points alone leave the angle open by some tenths of a degree; by more, it is turned."""
TURN = 2 * UPRIGHT
"""What is turned by less is upright: so little is not drawn."""
PLACE, TURNED, TALLER, ALL = (0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 4), (0, 1, 2, 3, 4)
"""Which of the numbers of ``_moved`` are free."""


class Refined(NamedTuple):
    """A pose that has been refined.

    Attributes:
        pose: Where the canvas lies.
        opacity: Of the whole skin, 0 to 1.
        residual: The median difference between skin and picture, in levels of brightness, where
            the skin shows something.
    """

    pose: Pose
    opacity: float
    residual: float


def refine(median: Planes, box: Box, template: Template, pose: Pose, colours: Colours) -> Refined:
    """Refine a pose that is off by a pixel or two at most.

    Args:
        median: The temporal median of a part of a video.
        box: Which part: of even sides, from an even pixel on; the skin and some pixels around it.
        template: The skin.
        pose: About where it is.
        colours: How the video writes them.
    """
    return refined(median, box, neutral(template, pose.scale), pose, colours)


def refined(
    median: Planes, box: Box, skin: Neutral, pose: Pose, colours: Colours, *, quick: bool = False
) -> Refined:
    """``refine`` with a skin that is there already, of about the pose's scale.

    Args:
        median: As there, like the others.
        box: The same.
        skin: The skin.
        pose: The same.
        colours: The same.
        quick: Whether a tenth of a pixel will do, and what is turned stays as it is.
    """
    fit = _Fit(median, box, skin, colours)
    upright = abs(pose.angle) <= MAYBE_UPRIGHT
    start = _set_upright(pose, skin) if upright else pose
    best = fit.run(start, PLACE, BLUR, QUICK_STEPS)
    if not quick:
        best = fit.run(best.pose, PLACE if upright else TURNED, 0.0, STEPS)
        best = _freer(fit, best)
    return Refined(best.pose, best.opacity, fit.residual(best.pose, best.opacity))


def _freer(fit: _Fit, best: _State) -> _State:
    """Turned or stretched, if one step that way makes it clearly better."""
    tried = fit.run(best.pose, ALL, 0.0, 1)
    before = fit.cost_at(best.pose, tried.scale)
    if tried.cost >= FREE_GAIN * before:
        return best
    freer = fit.run(tried.pose, ALL, 0.0, STEPS)
    if abs(freer.pose.angle) >= TURN:
        return freer
    straight = fit.run(_set_upright(freer.pose, fit.skin), TALLER, 0.0, STEPS)
    return straight if abs(straight.pose.stretch - 1) > SMALL else best


def _set_upright(pose: Pose, skin: Neutral) -> Pose:
    """A pose without its turn, about the skin's middle."""
    seen = skin.seen
    middle = ((seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2, 1.0)
    upright = Pose(pose.scale, 0.0, 0.0, 0.0, pose.stretch)
    at = pose.matrix() @ middle - upright.matrix() @ middle
    return Pose(pose.scale, float(at[0]), float(at[1]), 0.0, pose.stretch)


class _State(NamedTuple):
    pose: Pose
    opacity: float
    cost: float
    scale: tuple[float, ...]


class _Off(NamedTuple):
    """By planes: what is off, and what a skin of full opacity changes; the best opacity."""

    errors: list[NDArray[np.float32]]
    changes: list[NDArray[np.float32]]
    opacity: float


@dataclass
class _Fit:
    median: Planes
    box: Box
    skin: Neutral
    colours: Colours

    def run(self, pose: Pose, free: tuple[int, ...], blur: float, steps: int) -> _State:
        """The best pose near one, with some of its numbers free: see ``_moved``."""
        seen = self._seen(pose, blur)
        now = self._off(seen, pose, blur)
        scale = tuple(spread(error, weight) for error, weight in paired(now.errors, seen))
        state = _State(pose, now.opacity, cost_of(now.errors, seen, scale), scale)
        slopes = self._slopes(seen, state, now, free, blur)
        damping = 1e-3
        for _ in range(steps):
            step = np.zeros(5)
            step[list(free)] = next_step(now.errors, slopes, seen, scale, damping)[:-1]
            pose = _moved(state.pose, self.skin, step)
            tried = self._off(seen, pose, blur)
            cost = cost_of(tried.errors, seen, scale)
            better = cost < state.cost
            if better:
                now, state = tried, _State(pose, tried.opacity, cost, scale)
            damping = max(damping / 5, 1e-6) if better else damping * 10
            if float(np.abs(step).max()) < SMALL or damping > 1e3:
                break
            if better:
                slopes = self._slopes(seen, state, now, free, blur)
        return state

    def cost_at(self, pose: Pose, scale: tuple[float, ...]) -> float:
        """What a pose costs without a blur, with differences counted by ``scale``."""
        seen = self._seen(pose, 0.0)
        return cost_of(self._off(seen, pose, 0.0).errors, seen, scale)

    def residual(self, pose: Pose, opacity: float) -> float:
        """The median difference in brightness where the skin shows something."""
        layer = self.skin.layer(pose, self.box, self.colours)
        behind = ground(layer).behind(self.median)
        shown = layer.alpha > 0.5 * float(layer.alpha.max(initial=0.0))
        if not shown.any():
            return 255.0
        off = np.abs(layer.over(behind, opacity).y - self.median.y)[shown]
        return float(np.median(off))

    def _seen(self, pose: Pose, blur: float) -> Seen:
        layer = self.skin.layer(pose, self.box, self.colours)
        free = ground(layer)
        covers = (1 - free.free, *(2 * [CHROMA * (1 - free.chroma_free)]))
        behind = free.behind(self.median)
        return Seen(
            blurred(self.median, blur), blurred(behind, blur), [np.asarray(c) for c in covers]
        )

    def _off(self, seen: Seen, pose: Pose, blur: float) -> _Off:
        """What is off at a pose."""
        changes = self._changes(seen, pose, blur)
        opacity = best_opacity(changes, seen)
        errors = [
            wanted - behind - opacity * change
            for wanted, behind, change in zip(seen.wanted, seen.behind, changes, strict=True)
        ]
        return _Off(errors, changes, opacity)

    def _slopes(
        self, seen: Seen, state: _State, now: _Off, free: tuple[int, ...], blur: float
    ) -> list[NDArray[np.float32]]:
        """How what is off changes with each free number, and last with the opacity.

        ``h x w x (len(free) + 1)`` for each plane.
        """
        columns = []
        half = state.pose.scale * self.skin.seen.width / 2
        for index in free:
            bump = np.zeros(5)
            bump[index] = size = max(BUMP, TURN * half) if index == TURNED[-1] else BUMP
            there = self._changes(seen, _moved(state.pose, self.skin, bump), blur)
            columns.append(
                [
                    (now.opacity / size) * (one - other)
                    for one, other in zip(there, now.changes, strict=True)
                ]
            )
        columns.append(now.changes)
        return [np.stack(planes, axis=-1) for planes in zip(*columns, strict=True)]

    def _changes(self, seen: Seen, pose: Pose, blur: float) -> list[NDArray[np.float32]]:
        """What a skin of full opacity changes of what lies behind it."""
        layer: Layer = self.skin.layer(pose, self.box, self.colours)
        alphas = (layer.alpha, layer.chroma_alpha, layer.chroma_alpha)
        changed = (
            colour - alpha * behind
            for colour, alpha, behind in zip(layer.colour, alphas, seen.behind, strict=True)
        )
        return blurred(Planes(*changed), blur)


def _moved(pose: Pose, skin: Neutral, step: Vector) -> Pose:
    """A pose changed by pixels.

    Args:
        pose: Which.
        skin: Its middle stays where it is but for the first two numbers.
        step: Right, down, and by how much the skin's edge moves from its middle as it grows, as it
            is turned, and as its height alone grows.
    """
    right, down, grown, turned, taller = step.tolist()
    seen = skin.seen
    middle = ((seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2, 1.0)
    half = pose.scale * seen.width / 2
    high = pose.scale * pose.stretch * seen.height / 2
    turn, stretch = pose.angle + turned / half, pose.stretch * (1 + taller / high)
    other = Pose(pose.scale * (1 + grown / half), 0.0, 0.0, turn, stretch)
    at = pose.matrix() @ middle - other.matrix() @ middle
    return Pose(other.scale, float(at[0]) + right, float(at[1]) + down, turn, stretch)
