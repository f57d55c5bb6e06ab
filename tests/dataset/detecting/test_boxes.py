"""Boxes as cells say them."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.detecting.boxes import CELL, Sides, box_of, said_of, sharpened
from nitropilot.dataset.pose import Box

HEIGHT, WIDTH = 192, 320
BOXES = [
    Sides(40.0, 60.0, 120.0, 110.0),
    Sides(3.3, 1.7, 63.1, 44.9),
    Sides(201.6, 90.25, 319.5, 191.0),
    Sides(-8.0, 120.5, 90.5, 200.0),
]


@pytest.mark.parametrize("box", BOXES)
def test_a_box_comes_back_as_it_was(box: Sides) -> None:
    """To a thousandth of a pixel, also where it reaches out of the view."""
    found, score = box_of(said_of(box, HEIGHT, WIDTH))
    assert tuple(found) == pytest.approx(tuple(box), abs=1e-3)
    assert score > 0.9


def test_a_view_without_one_says_none() -> None:
    """Not a box of no size with some score."""
    said = said_of(None, HEIGHT, WIDTH)
    assert box_of(said)[1] == 0
    assert said.inside.max() == 0


@pytest.mark.parametrize("box", BOXES[:3])
def test_sides_are_where_cells_are_covered(box: Sides) -> None:
    """Cells are four pixels wide; a side is known to far less."""
    inside = said_of(box, HEIGHT, WIDTH).inside
    guess = Sides(box.left + 5, box.top - 4, box.right - 6, box.bottom + 3)
    assert tuple(sharpened(guess, inside)) == pytest.approx(tuple(box), abs=1e-3)


def test_a_side_that_no_cell_has_stays() -> None:
    """A view that says nothing of the inside must not move a box to its middle."""
    assert sharpened(BOXES[0], np.zeros((HEIGHT // CELL, WIDTH // CELL), np.float32)) == BOXES[0]


def test_a_second_box_does_not_pull_at_the_first() -> None:
    """Cells that mean another box have no say."""
    one, other = said_of(BOXES[0], HEIGHT, WIDTH), said_of(BOXES[2], HEIGHT, WIDTH)
    mine = one.near >= other.near
    near = np.maximum(one.near, 0.9 * other.near)
    both = one._replace(near=near, sides=np.where(mine, one.sides, other.sides))
    assert tuple(box_of(both)[0]) == pytest.approx(tuple(BOXES[0]), abs=1e-3)


def test_whole_pixels_are_the_nearest_and_one_at_least() -> None:
    """A box of none cannot be cut out."""
    assert Sides(1.4, 2.6, 9.5001, 8.2).whole() == Box(1, 3, 10, 8)
    assert Sides(1.4, 2.6, 1.3, 2.7).whole() == Box(1, 3, 2, 4)
