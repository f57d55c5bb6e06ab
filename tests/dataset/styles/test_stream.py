"""What learned readers are given is what its labels say, and the same for everybody."""

from itertools import islice

import numpy as np
import pytest

from nitropilot.dataset.looks.making import pad_of
from nitropilot.dataset.styles.clip import RUN, RUNS, Clip
from nitropilot.dataset.styles.sample import ELEMENTS, HEIGHT, WIDTH, Sample
from nitropilot.dataset.styles.stream import CLIPS, _blocks, clips, samples


@pytest.fixture(scope="module")
def some() -> list[Sample]:
    return list(islice(samples(7, pool=1), 3 * RUNS * (RUN - 1)))


def same(one: Sample, other: Sample) -> bool:
    return one.style == other.style and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("pictures", "reference", "buttons", "sticks", "places", "drawn")
    )


def test_a_seed_gives_the_same_in_any_order(some: list[Sample]) -> None:
    """A run that goes on after a stop, or on another machine, would learn from other samples."""
    pad_of.cache_clear()
    third = list(islice(clips(7), 3))[2]  # alone: the films are drawn in another order
    count = RUNS * (RUN - 1)
    assert all(map(same, third.samples(), some[2 * count :]))
    assert next(iter(clips(8))).pad.seed != some[0].style


def test_a_pool_only_changes_the_order(some: list[Sample]) -> None:
    """Neighbours of one clip in one batch teach little; a sample that is lost teaches nothing."""
    count = RUNS * (RUN - 1)
    mixed = list(islice(samples(7, pool=count + 1), count))
    assert all(map(same, mixed, islice(samples(7, pool=count + 1), 2)))
    known = {one.pictures.tobytes() for one in some}
    assert len({one.pictures.tobytes() for one in mixed} & known) == count
    assert len({one.style for one in mixed[:12]}) == 2


def test_workers_share_a_stream_and_nothing_comes_twice() -> None:
    """Two workers that draw the same halve what is learned."""
    alone = [clip.pad.seed for clip in islice(clips(7), CLIPS + 2)]
    first = [clip.pad.seed for clip in islice(clips(7, worker=0, workers=2), 3)]
    second = [clip.pad.seed for clip in islice(clips(7, worker=1, workers=2), 2)]
    assert first == alone[:3]
    assert second == alone[CLIPS:]
    assert len(set(alone)) == len(alone)
    blocks = [block.key[-1] for block in islice(_blocks(0, 7, 1, 3), 3)]
    assert blocks == [1, 4, 7]


def test_looks_can_be_held_back() -> None:
    """Looks that a reader is measured on are none that it has seen."""
    wanted = (3, 9)
    assert {clip.pad.seed for clip in islice(clips(7, styles=wanted), 8)} == set(wanted)


def test_a_sample_is_of_its_kind(some: list[Sample]) -> None:
    """Shapes and types are the contract with what learns."""
    for one in some:
        assert one.pictures.shape == (2, HEIGHT, WIDTH, 3)
        assert one.pictures.dtype == one.reference.dtype == one.places.dtype == np.uint8
        assert one.places.shape == one.drawn.shape == (HEIGHT, WIDTH)
        assert one.buttons.dtype == one.shown_buttons.dtype == one.drawn.dtype == bool
        assert one.sticks.dtype == np.float32
        assert np.abs(one.sticks).max() <= 1
        assert not (one.buttons & ~one.shown_buttons).any()


def test_places_are_of_what_is_shown_and_drawn(some: list[Sample]) -> None:
    """Maps are what a reader is told to look at."""
    for one in some[:: RUNS * (RUN - 1)]:
        shown = np.concatenate([one.shown_buttons, one.shown_sticks])
        placed = set((np.unique(one.places)[1:] - 1).tolist())
        assert all(shown[place] for place in placed)
        assert not (one.places > 0)[~one.drawn].any()
        thumbs = {ELEMENTS.index(f"{side}_thumb") for side in ("left", "right")}
        missing = set(np.flatnonzero(shown).tolist()) - placed - thumbs
        assert len(missing) <= 1  # what is small can lie wholly under something else
        inner = one.drawn[HEIGHT // 4 : -HEIGHT // 4, WIDTH // 4 : -WIDTH // 4]
        assert inner.mean() > one.drawn.mean()  # it is in the middle


def test_presses_are_not_too_rare() -> None:
    """Of play as it comes always off is right nine times in ten; guide would never be learned."""
    chosen: list[Clip] = list(islice(clips(3), CLIPS))
    down = np.concatenate([clip.played.published()[clip.rows] for clip in chosen])
    shown = np.stack([clip.pad.shown_buttons for clip in chosen]).mean(axis=0)
    share = down.mean(axis=0) / shown
    assert 0.1 < down.mean() < 0.35
    assert share.min() > 0.025
    still = (~down.any(axis=1)).mean()
    assert still > 0.02  # and nobody presses all the time
