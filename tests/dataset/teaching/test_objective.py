"""What is minimised: targets by hand, and nothing is taught of what is not shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.dataset.parsing.answer import Answer
from nitropilot.dataset.parsing.network import fresh
from nitropilot.dataset.styles.sample import ELEMENTS
from nitropilot.dataset.teaching.batches import together
from nitropilot.dataset.teaching.objective import losses, targets
from tests.dataset.parsing.making import SHAPE, sample

if TYPE_CHECKING:
    from nitropilot.dataset.teaching.batches import Batch


def number(name: str) -> int:
    return ELEMENTS.index(name)


def test_places_by_hand() -> None:
    """An element of 2 x 4 pixels over two cells, one quarter as much in the second of them; and a
    stick's thumb lies where the stick does, unless it has a place of its own."""
    places = np.zeros((1, 8, 8), np.uint8)
    places[0, 0:2, 0:4] = number("south") + 1
    places[0, 0, 4:6] = number("south") + 1
    places[0, 4:8, 4:8] = number("left_stick") + 1
    places[0, 4:8, 0:2] = number("right_stick") + 1
    places[0, 7, 3] = number("right_thumb") + 1
    found = targets(torch.from_numpy(places), (2, 2))[0]
    assert found[number("south")].tolist() == [[pytest.approx(0.8), pytest.approx(0.2)], [0, 0]]
    assert found[number("left_stick")].tolist() == [[0, 0], [0, 1]]
    assert found[number("left_thumb")].tolist() == [[0, 0], [0, 1]]
    assert found[number("right_thumb")].tolist() == [[0, 0], [1, 0]]
    assert found[number("north")].sum() == 0


def answered(batch: Batch) -> Answer:
    """What a network says, that can be asked for gradients."""
    answer = fresh(SHAPE, 2)(batch.pictures, batch.reference)
    return Answer(*(each.detach().requires_grad_() for each in answer))


def test_what_is_not_shown_is_not_taught() -> None:
    """Neither its truth nor its place counts, and no gradient comes of it; whether it is shown is
    taught."""
    rng = np.random.default_rng(4)
    without = sample(rng)
    hidden, side = number("east"), 1
    shown_buttons, shown_sticks = without.shown_buttons.copy(), without.shown_sticks.copy()
    shown_buttons[hidden], shown_sticks[side] = False, False
    without = replace(without, shown_buttons=shown_buttons, shown_sticks=shown_sticks)
    buttons, sticks = without.buttons.copy(), without.sticks.copy()
    buttons[hidden] ^= True
    sticks[2 * side :] *= -1
    other = together([replace(without, buttons=buttons, sticks=sticks)])
    batch = together([without])
    answer = answered(batch)
    loss = losses(answer, batch).total(1.0)
    assert losses(answer, other).total(1.0) == loss
    torch.autograd.backward(loss)
    grads = Answer(*(each.grad for each in answer))
    assert grads.buttons[0, hidden] == 0
    assert grads.grids[0, side].abs().sum() == grads.offsets[0, side].abs().sum() == 0
    assert grads.places[0, [hidden, number("right_stick")]].abs().sum() == 0
    assert (grads.shown[0] != 0).all()
    assert (grads.buttons[0].abs() > 0).sum() == 16
    assert grads.grids[0, 0].abs().sum() > 0
    assert grads.offsets[0, 0].abs().sum() > 0


def test_without_anything_shown_there_is_no_loss_but_that() -> None:
    """And it is a number."""
    rng = np.random.default_rng(4)
    nothing = replace(sample(rng), shown_buttons=np.zeros(17, bool), shown_sticks=np.zeros(2, bool))
    batch = together([nothing])
    found = losses(answered(batch), batch)
    assert [float(each.detach()) for each in found[:3]] == [0, 0, 0]
    assert torch.isfinite(found.total(1.0))
    assert found.shown > 0


def test_dense_losses_are_an_option() -> None:
    """Without them places and lights are not taught, all else as before."""
    batch = together([sample(np.random.default_rng(4))])
    answer = answered(batch)
    whole, bare = losses(answer, batch), losses(answer, batch, dense=False)
    assert whole[:4] == bare[:4]
    assert (bare.place, bare.lit) == (0, 0)
    assert whole.place > 0
    assert whole.lit > 0


def test_the_right_answer_is_the_one_with_the_least_loss() -> None:
    """A lit map, a place and a cell that are right cost less than neighbours of them."""
    batch = together([sample(np.random.default_rng(8))])
    answer = answered(batch)
    best = losses(answer, batch)
    where = targets(batch.places, (8, 16))
    right = answer._replace(
        buttons=torch.where(batch.buttons, 5.0, -5.0),
        places=(where + 1e-9).log(),
        lit=((where[:, :17] * torch.where(batch.buttons, 1.0, -1.0)[..., None, None]).sum(1) * 99),
    )
    good = losses(right, batch)
    assert good.buttons < 0.01 < best.buttons
    assert good.place < best.place
    assert good.lit < 0.2 * best.lit
    moved = right._replace(places=right.places.roll(2, -1))
    assert losses(moved, batch).place > good.place + 1
