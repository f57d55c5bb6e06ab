"""The built-in runner: a game that is the same every time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.simulator.arcade.runner import (
    DEAD_ZONE,
    SIZE,
    WALK_SPEED,
    WORLD,
    Walker,
    draw,
    landscape,
    read_pads,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Pad:
    """A controller as pygame shows it: axes in -32768..32767, buttons down or not."""

    def __init__(self, axes: dict[int, int], buttons: set[int]) -> None:
        self.axes = axes
        self.buttons = buttons

    def get_axis(self, axis: int) -> int:
        """SDL's value of an axis."""
        return self.axes.get(axis, 0)

    def get_button(self, button: int) -> bool:
        """Whether a button is down."""
        return button in self.buttons


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A pygame surface of the game's size, without any window."""
    monkeypatch.setitem(os.environ, "SDL_VIDEODRIVER", "dummy")
    monkeypatch.setitem(os.environ, "PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    pygame.display.init()
    yield pygame.Surface(SIZE)
    pygame.display.quit()


def picture(screen: object, x: float) -> NDArray[np.uint8]:
    """What the game draws with the walker at ``x``."""
    import pygame

    draw(screen, Walker(x=x), landscape())
    return np.array(pygame.surfarray.array3d(screen))


def test_the_stick_walks_and_its_rest_does_not() -> None:
    """A pad at rest that drifts would make every frozen picture different."""
    walker = Walker()
    for _ in range(10):
        walker.step(DEAD_ZONE / 2, jump=False)
    assert walker.x == 0
    for _ in range(10):
        walker.step(1.0, jump=False)
    assert walker.x == pytest.approx(10 * WALK_SPEED)
    walker.step(-1.0, jump=False)
    assert walker.x == pytest.approx(9 * WALK_SPEED)


def test_a_jump_goes_up_and_comes_down_again() -> None:
    """A jump that can be repeated in the air flies away."""
    walker = Walker()
    heights = []
    for step in range(120):
        walker.step(0.0, jump=step < 5)
        heights.append(walker.height)
    assert max(heights) > 50
    assert heights[-1] == 0
    assert walker.rising == 0


def test_the_same_place_gives_the_same_picture(screen: object) -> None:
    """Measurements compare pictures, so nothing may move by itself."""
    assert landscape() == landscape()
    assert np.array_equal(picture(screen, 100.0), picture(screen, 100.0))
    assert not np.array_equal(picture(screen, 100.0), picture(screen, 140.0))
    assert np.array_equal(picture(screen, 40.0), picture(screen, 40.0 + WORLD))


def test_all_pads_steer(screen: object) -> None:
    """The d-pad, the stick and every pad that is plugged in count."""
    import pygame

    right = pygame.CONTROLLER_BUTTON_DPAD_RIGHT
    assert read_pads([]) == (0.0, False)
    assert read_pads([Pad({}, {right})]) == (1.0, False)
    assert read_pads([Pad({pygame.CONTROLLER_AXIS_LEFTX: -32767}, set())]) == (-1.0, False)
    assert read_pads([Pad({}, {right}), Pad({}, {pygame.CONTROLLER_BUTTON_A})]) == (1.0, True)
    assert read_pads([Pad({pygame.CONTROLLER_AXIS_LEFTX: 32767}, {right})]) == (1.0, False)
