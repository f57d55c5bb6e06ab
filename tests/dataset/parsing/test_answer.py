"""Positions of sticks as cells of 11 x 11, and back."""

from __future__ import annotations

import pytest
import torch

from nitropilot.dataset.parsing.answer import CELLS, cells_of, middles, near, positions

EDGE = 2 / 11


@pytest.mark.parametrize(
    ("stick", "cell", "offset"),
    [
        ((0.0, 0.0), (5, 5), (0.0, 0.0)),
        ((-1.0, -1.0), (0, 0), (-0.5, -0.5)),
        ((1.0, 1.0), (10, 10), (0.5, 0.5)),
        ((1.0, -1.0), (10, 0), (0.5, -0.5)),
        ((-2.0, 3.0), (0, 10), (-0.5, 0.5)),
        ((-1 + 1.5 * EDGE, 0.0), (1, 5), (0.0, 0.0)),
        ((-1 + 1.25 * EDGE, 0.25 * EDGE), (1, 5), (-0.25, 0.25)),
    ],
    ids=["middle", "upper left", "lower right", "upper right", "beyond", "second", "quarter"],
)
def test_a_position_is_a_cell_and_a_place_in_it(
    stick: tuple[float, float], cell: tuple[int, int], offset: tuple[float, float]
) -> None:
    """Columns are x, rows are y from above; by hand."""
    number, within = cells_of(torch.tensor(stick))
    assert divmod(int(number), CELLS) == (cell[1], cell[0])
    assert within.tolist() == pytest.approx(offset, abs=1e-5)


def test_what_is_read_is_what_was_meant() -> None:
    """Every position, back from its cell and its offset, on both axes apart."""
    sticks = torch.rand(500, 2, generator=torch.Generator().manual_seed(3)) * 2 - 1
    number, within = cells_of(sticks)
    grids = torch.nn.functional.one_hot(number, CELLS * CELLS).float().unflatten(-1, (CELLS, CELLS))
    offsets = torch.full((500, 2, CELLS, CELLS), 9.0)
    rows, columns = number // CELLS, number % CELLS
    for axis in range(2):
        offsets[torch.arange(500), axis, rows, columns] = within[:, axis]
    torch.testing.assert_close(positions(grids, offsets), sticks, atol=1e-5, rtol=0)
    line = middles()
    assert (line[0], line[5], line[10]) == (
        pytest.approx(-10 / 11), pytest.approx(0, abs=1e-6), pytest.approx(10 / 11),
    )  # fmt: skip


def test_how_sure_a_stick_is() -> None:
    """All in one cell is sure, all alike is the area that is close, and elsewhere is not at all."""
    grids = torch.full((3, CELLS, CELLS), -40.0)
    grids[0, 5, 5] = 40.0
    grids[1] = 0.0
    grids[2, 0, 0] = 40.0
    sure = near(grids, torch.zeros(3, 2))
    assert sure[0] == pytest.approx(1)
    assert sure[1] == pytest.approx(3.14 * 0.2**2 / 4, rel=0.2)
    assert sure[2] == pytest.approx(0, abs=1e-6)
