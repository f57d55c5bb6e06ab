"""Where skins may be, by points: in a median, in single frames, and in all of them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.locating.features import Features
from nitropilot.dataset.locating.matching import (
    INLIERS,
    SPREAD,
    distinct,
    fitted,
    matches,
    plausible,
    spread,
)
from nitropilot.dataset.locating.neutral import place
from nitropilot.dataset.pose import overlap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.locating.features import Kind
    from nitropilot.dataset.locating.sampling import Shots
    from nitropilot.dataset.locating.skins import Skin
    from nitropilot.dataset.pose import Box, Pose

MEDIAN_WIDTH = 1280
"""A median is made up to twice as large, up to this: nearly every overlay is found at twice."""
FRAME_WIDTH = 800
"""A single frame is made smaller to this: there are 25 of them."""
LIKELY = 10
"""Points that agree, for a skin to be held against the picture beside one that reaches enough: of a
family, the right one has not always most."""
SHARE = 0.3
"""And as many as this share of the best one's."""
FIRST = 5
"""Frames after which skins that have matched nowhere are not tried any more."""
STAYS = 5
"""Points that have agreed in one of these frames, for a skin to be tried in the others."""
MOST_STAY = 4
"""If none has as many, that many of the best stay."""
SAME = 0.8
"""Intersection over union of two places that are one."""


class Candidate(NamedTuple):
    """A place where a skin may be.

    Attributes:
        skin: Which.
        pose: In pixels of what is searched.
        inliers: Points that agree; 0 where it was found by its edges.
        alike: How like its edges are to those that are seen, where it was found by them: a cosine.
    """

    skin: Skin
    pose: Pose
    inliers: int
    alike: float = 0.0


class _Pairs(NamedTuple):
    """Points of a skin and of pictures that look the same, ``M x 2`` each."""

    canvas: NDArray[np.float32]
    picture: NDArray[np.float32]


@dataclass
class Points:
    """The points of some frames; each is found once.

    Args:
        shots: The frames.
        kinds: How points are found.
        skins: What they are matched with.
    """

    shots: Shots
    kinds: Sequence[Kind]
    skins: Sequence[Skin]
    _kept: dict[tuple[int, ...], dict[str, Features]] = field(default_factory=dict)

    def in_median(self, which: Sequence[int], hidden: Sequence[Box]) -> list[Candidate]:
        """By the median of some frames; what lies in ``hidden`` is not looked at."""
        if tuple(which) not in self._kept:
            grey = self.shots.grey_median(which)
            factor = min(max(MEDIAN_WIDTH / grey.shape[1], 1.0), 2.0)
            self._kept[tuple(which)] = self._found(grey, factor)
        found = self._kept[tuple(which)]
        listed = (self._fits(skin, self._pairs(skin, found, hidden)) for skin in self.skins)
        return _worth([each for fits in listed for each in fits])

    def in_frames(self, which: Sequence[int]) -> list[Candidate]:
        """By single frames, and by what they show together: a faint skin shows few of its points
        in any of them, and others in the next."""
        pairs: dict[int, list[list[_Pairs]]] = {index: [] for index in range(len(self.skins))}
        single: list[Candidate] = []
        most = dict.fromkeys(pairs, 0)
        for count, frame in enumerate(_first_apart(which)):
            grey = self.shots.shots[frame].y
            if (frame, -1) not in self._kept:
                self._kept[frame, -1] = self._found(grey, min(FRAME_WIDTH / grey.shape[1], 1.0))
            for index in pairs:
                now = self._pairs(self.skins[index], self._kept[frame, -1], ())
                fits = self._fits(self.skins[index], now)
                most[index] = max([most[index], *(each.inliers for each in fits)])
                pairs[index].append(now)
                single += fits
            if count + 1 == FIRST:
                pairs = {index: pairs[index] for index in _staying(most)}
        together = [
            fit
            for index, frames in pairs.items()
            for fit in self._fits(self.skins[index], _joined(frames), joined=True)
        ]
        return _worth([*_agreed(single), *together])

    def _found(self, grey: NDArray[np.uint8], factor: float) -> dict[str, Features]:
        if factor != 1.0:
            way = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
            height, width = grey.shape
            size = (round(width * factor), round(height * factor))
            resized = np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8)
            by = np.array([width / size[0], height / size[1]], np.float32)
        else:
            resized, by = grey, np.ones(2, np.float32)
        found = {kind.name: kind.of(resized) for kind in self.kinds}
        return {name: Features(each.points * by, each.descriptors) for name, each in found.items()}

    def _pairs(self, skin: Skin, found: dict[str, Features], hidden: Iterable[Box]) -> list[_Pairs]:
        """What matches, for each set of the skin's points."""
        listed = []
        for kind in self.kinds:
            features = found[kind.name]
            for box in hidden:
                features = features.without(_inside(features.points, box))
            for points in skin.points[kind.name]:
                same = matches(kind, points, features)
                listed.append(_Pairs(points.points[same[:, 0]], features.points[same[:, 1]]))
        return listed

    def _fits(self, skin: Skin, sets: Sequence[_Pairs], *, joined: bool = False) -> list[Candidate]:
        """The best place by these pairs; none where no pose is plausible.

        Where they are ``joined`` from many frames, a point of the skin counts once.
        """
        best: list[Candidate] = []
        for pairs in sets:
            fit = fitted(pairs.canvas, pairs.picture)
            if fit is None or not plausible(fit[0], skin.seen, *self.shots.size):
                continue
            agreeing = pairs.canvas[fit[1]]
            if spread(agreeing, skin.seen) >= SPREAD:
                inliers = distinct(agreeing, skin.seen) if joined else len(agreeing)
                best = [max([*best, Candidate(skin, fit[0], inliers)], key=_inliers)]
        return best


def _inliers(candidate: Candidate) -> int:
    return candidate.inliers


def _worth(candidates: list[Candidate]) -> list[Candidate]:
    """Those to hold against the picture, best first; without any that reaches enough, the best
    one alone, so that its score can be told."""
    ranked = sorted(candidates, key=_inliers, reverse=True)
    if not ranked or ranked[0].inliers < INLIERS:
        return ranked[:1]
    least = max(LIKELY, SHARE * ranked[0].inliers)
    return [each for each in ranked if each.inliers >= least]


def _agreed(single: list[Candidate]) -> list[Candidate]:
    """Of poses in single frames one for each place and skin: that with most points."""
    kept: list[Candidate] = []
    for each in sorted(single, key=_inliers, reverse=True):
        mine = place(each.skin.seen, each.pose)
        same = (
            other.skin is each.skin and overlap(place(other.skin.seen, other.pose), mine) >= SAME
            for other in kept
        )
        if not any(same):
            kept.append(each)
    return kept


def _first_apart(which: Sequence[int]) -> list[int]:
    """The same frames, the first of them far apart: every fifth, then the others."""
    step = max(len(which) // FIRST, 1)
    first = list(which[::step])
    return [*first, *(index for index in which if index not in first)]


def _staying(most: dict[int, int]) -> list[int]:
    ranked = sorted(most, key=lambda index: most[index], reverse=True)
    return [index for index in ranked if most[index] >= STAYS] or ranked[:MOST_STAY]


def _joined(frames: list[list[_Pairs]]) -> list[_Pairs]:
    """The pairs of all frames, set by set."""
    return [
        _Pairs(*(np.concatenate(parts) for parts in zip(*sets, strict=True)))
        for sets in zip(*frames, strict=True)
    ]


def _inside(points: NDArray[np.float32], box: Box) -> NDArray[np.bool_]:
    x, y = points[:, 0], points[:, 1]
    inside = (x >= box.left) & (x < box.right) & (y >= box.top) & (y < box.bottom)
    return np.asarray(inside, np.bool_)
