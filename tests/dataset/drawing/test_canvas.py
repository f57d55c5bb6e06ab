"""A template in any state, on its canvas."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.drawing.canvas import Painter, dpad_look
from nitropilot.dataset.pad import NEUTRAL
from nitropilot.dataset.pose import Box
from nitropilot.dataset.templates.template import Element, Fill, Kind, Template
from tests.dataset.toy import FACE, HOT, plate, toy

GREY, RED = (96, 96, 96), (255, 0, 0)


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(toy())


def one(element: Element) -> Painter:
    return Painter(Template("one", 40, 40, (element,)))


def test_a_pressed_button_alone_looks_pressed(painter: Painter) -> None:
    released, pressed = (
        painter.paint(NEUTRAL),
        painter.paint(NEUTRAL._replace(buttons=frozenset({"east"}))),
    )

    x, y = FACE["east"]
    assert np.allclose(pressed[y, x + 8, :3] * 255, HOT["east"], atol=1)
    differs = np.argwhere(np.abs(released - pressed).sum(axis=2) > 1e-3)
    assert (differs.min(axis=0) >= (y - 12, x - 12)).all()
    assert (differs.max(axis=0) <= (y + 12, x + 12)).all()


@pytest.mark.parametrize(
    ("x", "y", "at"), [(0, -1, (5, 15)), (1, 0, (15, 25)), (0.25, 0.5, (20, 17.5))]
)
def test_a_stick_moves_by_its_radius_and_up_is_negative(
    x: float, y: float, at: tuple[float, float]
) -> None:
    stick = one(Element(Kind.STICK, "left", 15, 15, (plate(10, 10, RED),), radius=10))

    drawn = stick.paint(NEUTRAL._replace(sticks=(x, y, 0.0, 0.0)))[..., 3]
    rows, columns = np.indices(drawn.shape)
    middle = ((rows * drawn).sum() / drawn.sum() - 4.5, (columns * drawn).sum() / drawn.sum() - 4.5)
    assert middle == pytest.approx(at, abs=1e-3)
    assert drawn.sum() == pytest.approx(100, abs=1e-3)


@pytest.mark.parametrize(
    ("fill", "box"),
    [(Fill.UP, Box(10, 25, 20, 30)), (Fill.DOWN, Box(10, 10, 20, 15)),
     (Fill.LEFT, Box(15, 10, 20, 30)), (Fill.RIGHT, Box(10, 10, 15, 30))],
)  # fmt: skip
def test_a_trigger_fills_its_way(fill: Fill, box: Box) -> None:
    looks = (plate(10, 20, GREY), plate(10, 20, RED))
    trigger = one(Element(Kind.TRIGGER, "right", 10, 10, looks, fill=fill))
    pull = 0.25 if fill in (Fill.UP, Fill.DOWN) else 0.5

    red = trigger.paint(NEUTRAL._replace(triggers=(1.0, pull)))[..., 0] > 0.9
    rows, columns = np.nonzero(red)
    assert Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == box
    assert red.sum() == box.width * box.height


def test_a_trigger_without_a_way_looks_pressed_from_a_tenth_on() -> None:
    trigger = one(Element(Kind.TRIGGER, "left", 0, 0, (plate(4, 4, GREY), plate(4, 4, RED))))

    reds = [trigger.paint(NEUTRAL._replace(triggers=(p, 0.0)))[0, 0, 0] for p in (0.09, 0.1, 1.0)]
    assert np.allclose(reds, [96 / 255, 1, 1])


@pytest.mark.parametrize(
    ("down", "shows"),
    [("", 0), ("dpad_left", 1), ("dpad_down dpad_right", 8), ("dpad_up south", 3),
     ("dpad_left dpad_right", 2), ("dpad_left dpad_right dpad_up dpad_down", 6)],
)  # fmt: skip
def test_a_dpad_of_one_piece_shows_one_of_nine(down: str, shows: int) -> None:
    assert dpad_look(frozenset(down.split())) == shows


def test_a_part_is_what_the_whole_has_there(painter: Painter) -> None:
    moment = NEUTRAL._replace(buttons=frozenset({"left_thumb"}), sticks=(0.3, -0.4, 0.9, 0.1))
    part = painter.paint(moment, Box(20, 30, 90, 100))

    assert np.array_equal(part, painter.paint(moment)[30:100, 20:90])
    beyond = painter.paint(moment, Box(-5, -5, 5, 5))
    assert not beyond[:5].any()
