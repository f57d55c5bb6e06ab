"""Streams of batches: blocks from seeds, gone on with anywhere, shuffled, recoloured."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.dataset.teaching.batches import batches, recoloured, shuffled, together
from tests.dataset.parsing.making import RECIPE, sample, stream

if TYPE_CHECKING:
    from nitropilot.dataset.teaching.batches import Batch

SHORT = replace(RECIPE, batch=4, block=12, mixed=5)


def taken(first: int, count: int, rank: int = 0) -> list[Batch]:
    return list(islice(batches(stream, SHORT, rank, first), count))


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("first", [1, 2, 3, 7])
def test_batches_follow_from_their_numbers(first: int) -> None:
    """Begun anywhere, in the middle of a block too, they are those of a run from the start."""
    assert all(map(same, taken(first, 4), taken(0, first + 4)[first:]))


def test_trainers_and_blocks_have_samples_of_their_own() -> None:
    """No two of them are alike."""
    found = [taken(0, 9, rank) for rank in range(2)]
    every = torch.cat([batch.sticks for run in found for batch in run])
    assert len(torch.unique(every, dim=0)) == len(every) == 2 * 9 * 4


def test_workers_make_what_was_asked_for() -> None:
    """Several that are asked in turn: every batch of each is its own, from any first one on."""
    from nitropilot.dataset.teaching import batches as module

    def of(first: int, count: int) -> list[Batch]:
        source = module._Source(stream, SHORT, 0, first, 3)
        made = [source.made(number) for number in range(3)]
        return [next(made[index % 3]) for index in range(count)]

    whole = of(0, 14)
    for first in (1, 2, 3, 8):
        assert all(map(same, of(first, 6), whole[first:]))
    assert not any(same(whole[0], other) for other in whole[1:])


def test_shuffling_keeps_every_sample_once() -> None:
    """And moves most of them."""
    rng = np.random.default_rng(0)
    some = [sample(rng, style) for style in range(40)]
    styles = [each.style for each in shuffled(some, 8, np.random.default_rng(1))]
    assert sorted(styles) == list(range(40))
    assert sum(a != b for a, b in zip(styles, range(40), strict=True)) > 25


def test_colours_are_exchanged_alike_in_all_pictures_of_a_sample() -> None:
    """What differs between them still does, and the truth stays."""
    rng = np.random.default_rng(0)
    batch = together([sample(rng) for _ in range(12)])
    changed = recoloured(batch, 0.5, np.random.default_rng(3))
    moved = [not torch.equal(a, b) for a, b in zip(batch.pictures, changed.pictures, strict=True)]
    assert 2 <= sum(moved) <= 10
    for at, has in enumerate(moved):
        before = batch.pictures[at].short() - batch.reference[at].short()
        after = changed.pictures[at].short() - changed.reference[at].short()
        assert torch.equal(before.abs().sum(-1), after.abs().sum(-1))
        assert torch.equal(before, after) or has
    assert all(torch.equal(a, b) for a, b in zip(batch[2:], changed[2:], strict=True))
