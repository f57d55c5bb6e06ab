"""What is cut out of a picture is where it is said to be."""

import numpy as np
import pytest

from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.sample import HEIGHT, WIDTH, cut, placing


@pytest.mark.parametrize("box", [Box(40, 30, 140, 105), Box(10, 20, 330, 180), Box(-20, 5, 60, 50)])
def test_a_spot_is_where_placing_says(box: Box) -> None:
    middle = np.array([box.left + box.width * 0.7, box.top + box.height * 0.6])
    down, across = np.mgrid[0:200, 0:360] + 0.5
    away = (across - middle[0]) ** 2 + (down - middle[1]) ** 2
    picture = (255 * np.exp(-away / (2 * (box.width / 20) ** 2))).astype(np.uint8)
    seen = cut(picture, box).astype(np.float64)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    at = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
    wanted = placing(box) @ [*middle, 1.0]
    assert np.abs(at - wanted[:2]).max() < 0.15


def test_the_shape_is_kept() -> None:
    to = placing(Box(0, 0, 100, 20))
    assert to[0, 0] == to[1, 1]
