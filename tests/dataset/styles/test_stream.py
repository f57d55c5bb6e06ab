"""What learned readers are given is what its labels say, and the same for everybody."""

from itertools import islice

import numpy as np
import pytest

from nitropilot.dataset.styles.sample import ELEMENTS, HEIGHT, WIDTH, Sample
from nitropilot.dataset.styles.stream import samples


@pytest.fixture(scope="module")
def some() -> list[Sample]:
    return list(islice(samples(7), 70))


def _same(one: Sample, other: Sample) -> bool:
    return one.style == other.style and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("pictures", "reference", "buttons", "sticks", "places", "drawn")
    )


def test_a_seed_gives_the_same_again(some: list[Sample]) -> None:
    """A run that goes on after a stop would learn from other samples."""
    list(islice(samples(8), 2))  # what others draw in between does not count
    assert all(map(_same, islice(samples(7), 4), some))
    assert not _same(next(samples(8)), some[0])


def test_a_sample_is_of_its_kind(some: list[Sample]) -> None:
    """Shapes and types are the contract with what learns."""
    for one in some:
        assert one.pictures.shape == (2, HEIGHT, WIDTH, 3)
        assert one.pictures.dtype == one.reference.dtype == one.places.dtype == np.uint8
        assert one.places.shape == one.drawn.shape == (HEIGHT, WIDTH)
        assert one.buttons.dtype == one.shown_buttons.dtype == one.drawn.dtype == bool
        assert one.sticks.dtype == np.float32
        assert not (one.buttons & ~one.shown_buttons).any()
        shown = np.concatenate([one.shown_buttons, one.shown_sticks])
        placed = {int(place) for place in np.unique(one.places)} - {0}
        assert all(shown[place - 1] for place in placed)
        assert (one.places > 0)[~one.drawn].sum() == 0
        thumbs = {ELEMENTS.index(f"{side}_thumb") for side in ("left", "right")}
        missing = set(np.flatnonzero(shown)) - {place - 1 for place in placed} - thumbs
        assert len(missing) <= 1  # at 60 pixels something can lie wholly under something else
