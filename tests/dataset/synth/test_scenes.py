"""Made-up games: decided by their seed, moving, and with an overlay's colours in them."""

from __future__ import annotations

import hashlib
from itertools import islice, pairwise

import numpy as np
import pytest

from nitropilot.dataset.synth.scenes import KINDS, scene

WIDTH, HEIGHT, COUNT = 128, 72, 24


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_what_was_asked_for(kind: str) -> None:
    """A scene that ends early ends the clip; one that gives its own memory away is drawn into."""
    pictures = list(scene(kind, np.random.default_rng(2), WIDTH, HEIGHT, COUNT))
    assert len(pictures) == COUNT
    assert {(each.shape, each.dtype.name) for each in pictures} == {((HEIGHT, WIDTH, 3), "uint8")}
    assert not any(np.shares_memory(one, other) for one, other in pairwise(pictures))
    assert np.std(pictures[0]) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_says_everything(kind: str) -> None:
    """A clip that cannot be made again cannot be looked into; what is drawn into a picture must
    not be in the next one."""

    def digests(seed: int, taken: int) -> list[str]:
        pictures = islice(scene(kind, np.random.default_rng(seed), WIDTH, HEIGHT, COUNT), taken)
        found = []
        for each in pictures:
            found.append(hashlib.sha256(each.tobytes()).hexdigest())
            each[:] = 0
        return found

    assert digests(4, COUNT) == digests(4, COUNT)
    assert digests(4, 3) == digests(4, COUNT)[:3]
    assert digests(4, 3) != digests(5, 3)


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"menu"}))
def test_it_moves(kind: str) -> None:
    """Before a picture that stands still the median of some frames shows no overlay."""
    pictures = list(scene(kind, np.random.default_rng(7), WIDTH, HEIGHT, COUNT))
    changes = [
        np.abs(one.astype(int) - other).max(axis=2) > 24 for one, other in pairwise(pictures)
    ]
    assert np.mean([change.any() for change in changes]) > 0.5
    assert np.any(changes, axis=0).mean() > 0.1


def test_cuts_cut() -> None:
    """Readers that carry the background on from frame to frame must live through it."""
    pictures = list(scene("cuts", np.random.default_rng(1), WIDTH, HEIGHT, 150))
    steps = [np.abs(one.astype(int) - other).mean() for one, other in pairwise(pictures)]
    assert np.sum(np.array(steps) > 25) >= 2
