"""Where skins are, by pixels: of all places where one may be, those that hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.locating.candidates import Candidate, Points
from nitropilot.dataset.locating.edges import ALIKE, Edges
from nitropilot.dataset.locating.matching import INLIERS, plausible
from nitropilot.dataset.locating.neutral import even, neutral
from nitropilot.dataset.locating.presence import Presence, there
from nitropilot.dataset.locating.refine import Refined, refined
from nitropilot.dataset.locating.verify import LEAST, Verdict, verify
from nitropilot.dataset.pose import overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Colours, Planes
    from nitropilot.dataset.locating.neutral import Neutral
    from nitropilot.dataset.locating.sampling import Shots
    from nitropilot.dataset.pose import Box, Pose
    from nitropilot.dataset.templates.template import Template

AROUND = 12
"""Pixels around a skin that are looked at: what lies behind it is guessed from them."""
MOST_HELD = 6
"""Candidates that are held against the picture in one look: each takes half a second at most."""
MOST_LOOKS = 8
"""Looks at the frames of one size: overlays that move more often are read where they were found."""
CLOSE = 0.05
"""Scores this near are as good as equal; then that skin is taken which explains more."""
SURER = 0.62
"""The score that something needs which was found by edges: frames and bars of games, with a panel
held against them, reach .58."""
STEADY = 0.5
"""Share of the frames in which something that was found by edges is seen: those of a game that look
alike are seen in some of them."""
TAKEN = 0.3
"""Intersection over union from which on two skins would stand in one place."""


class Claim(NamedTuple):
    """A skin that is there.

    Attributes:
        skin: Which.
        at: Where, in pixels of what was searched.
        verdict: How well it fits.
        inliers: Points that agree on it.
        presence: Tells in which frames it is.
        shares: ``T`` float64 by frames: what ``presence`` said.
        there: ``T`` bool: whether it is there.
    """

    skin: Neutral
    at: Refined
    verdict: Verdict
    inliers: int
    presence: Presence
    shares: NDArray[np.float64]
    there: NDArray[np.bool_]

    @property
    def place(self) -> Box:
        """The pixels in which it shows anything."""
        return self.skin.place(self.at.pose)


class _Held(NamedTuple):
    """A candidate that was held against the picture."""

    skin: Neutral
    at: Refined
    verdict: Verdict
    inliers: int
    alike: float
    steady: float
    box: Box
    median: Planes

    @property
    def place(self) -> Box:
        """The pixels in which it shows anything."""
        return self.skin.place(self.at.pose)


def _by_edges(held: _Held) -> bool:
    """Whether edges alone are enough for it."""
    sure = held.alike >= ALIKE and held.steady >= STEADY
    return sure and held.verdict.score >= SURER


@dataclass
class Claims:
    """Searches the frames of one size.

    Args:
        shots: The frames.
        points: Of them.
        edges: Of them.
        colours: How the video writes them.
    """

    shots: Shots
    points: Points
    edges: Edges
    colours: Colours
    claims: list[Claim] = field(default_factory=list)
    best_score: float = 0.0
    best_name: str = ""
    _skins: dict[tuple[int, int], Neutral] = field(default_factory=dict)

    def search(self) -> list[Claim]:
        """All skins in these frames.

        What is found in frames is hidden, and they are looked at again, for a second one; those in
        which it is not are looked at by themselves, for where it was before or went to.
        """
        waiting = [tuple(range(len(self.shots.shots)))]
        looked: set[tuple[int, ...]] = set()
        for _ in range(MOST_LOOKS):
            if not waiting:
                break
            which = waiting.pop()
            claim = self._look(which, again=which in looked)
            looked.add(which)
            if claim is None:
                continue
            self.claims.append(claim)
            without = tuple(index for index in which if not claim.there[index])
            waiting.append(which)
            if without and without != which:
                waiting.append(without)
        return self.claims

    def _look(self, which: tuple[int, ...], *, again: bool) -> Claim | None:
        hidden = [
            claim.place.wider(2) for claim in self.claims if claim.there[list(which)].mean() > 0.3
        ]
        claim = self._best(self.points.in_median(which, hidden), which)
        if claim is None and not again:
            claim = self._best(self.points.in_frames(which), which)
        if claim is None and not self.claims and len(which) == len(self.shots.shots):
            claim = self._best(self.edges.candidates(), which)
        return claim

    def _best(self, candidates: list[Candidate], which: tuple[int, ...]) -> Claim | None:
        """The one that fits best, if it fits."""
        held = [held for each in candidates[:MOST_HELD] if (held := self._held(each, which))]
        for each in held:
            self._tell(each.verdict.score, each.skin)
        fitting = [each for each in held if each.verdict.score >= LEAST]
        sure = [each.place for each in fitting if each.inliers >= INLIERS or _by_edges(each)]
        fitting = [
            each for each in fitting if any(overlap(each.place, box) > TAKEN for box in sure)
        ]
        if not fitting:
            return None
        top = max(each.verdict.score for each in fitting)
        close = [each for each in fitting if each.verdict.score >= top - CLOSE]
        return self._claim(max(close, key=lambda each: each.verdict.gain))

    def _held(self, candidate: Candidate, which: Sequence[int]) -> _Held | None:
        """A candidate held against the picture; None where there is nothing to hold it against."""
        skin = self._neutral(candidate.skin.template, candidate.pose)
        first = self._presence(skin, candidate.pose)
        here = there(self._shares(first, which))
        seen = [index for index in which if here[index]]
        if not seen:
            return None
        median = self.shots.median(seen, first.box)
        at = refined(median, first.box, skin, candidate.pose, self.colours, quick=True)
        verdict = verify(median, first.box, skin, at, self.colours)
        steady = len(seen) / len(which)
        inliers, alike = candidate.inliers, candidate.alike
        held = _Held(skin, at, verdict, inliers, alike, steady, first.box, median)
        return held if plausible(at.pose, skin.seen, *self.shots.size) else None

    def _claim(self, held: _Held) -> Claim | None:
        """Its pose made exact, and the frames in which it is; None where another one stands."""
        at = refined(held.median, held.box, held.skin, held.at.pose, self.colours)
        verdict = verify(held.median, held.box, held.skin, at, self.colours)
        self._tell(verdict.score, held.skin)
        presence = self._presence(held.skin, at.pose)
        shares = self._shares(presence, range(len(self.shots.shots)))
        here = there(shares)
        claim = Claim(held.skin, at, verdict, held.inliers, presence, shares, here)
        return None if not here.any() or self._taken(claim) else claim

    def _tell(self, score: float, skin: Neutral) -> None:
        if score > self.best_score:
            self.best_score, self.best_name = score, skin.template.name

    def _taken(self, claim: Claim) -> bool:
        """Whether another skin stands there in the same frames."""
        return any(
            overlap(claim.place, other.place) > TAKEN
            and bool((claim.there & other.there).sum() > 0.5 * claim.there.sum())
            for other in self.claims
        )

    def _shares(self, presence: Presence, which: Sequence[int]) -> NDArray[np.float64]:
        shares = np.zeros(len(self.shots.shots))
        for index in which:
            shares[index] = presence.share(self.shots.shots[index].part(presence.box))
        return shares

    def _presence(self, skin: Neutral, pose: Pose) -> Presence:
        box = even(skin.place(pose).wider(AROUND), *self.shots.size)
        return Presence(skin, pose, box, self.colours)

    def _neutral(self, template: Template, pose: Pose) -> Neutral:
        """A skin for a pose; kept while poses are about as large."""
        key = (id(template), round(np.log2(pose.scale) * 4))
        if key not in self._skins:
            self._skins[key] = neutral(template, pose.scale)
        return self._skins[key]
