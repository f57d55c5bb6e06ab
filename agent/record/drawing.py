"""Draw a pad state on a picture, for recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.controller.state import Button, GamepadState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    Colour = tuple[int, int, int]
    Point = tuple[float, float]

PANEL: Colour = (18, 20, 26)
IDLE: Colour = (96, 100, 112)
LIT: Colour = (118, 185, 0)
TEXT: Colour = (225, 228, 235)

# Positions in a 200 x 110 drawing of the pad.
SIZE = (200.0, 110.0)
FACE: dict[Button, Point] = {
    Button.A: (160, 62), Button.B: (174, 48), Button.X: (146, 48), Button.Y: (160, 34),
}  # fmt: skip
DPAD: dict[Button, Point] = {
    Button.DPAD_UP: (72, 70), Button.DPAD_DOWN: (72, 92),
    Button.DPAD_LEFT: (61, 81), Button.DPAD_RIGHT: (83, 81),
}  # fmt: skip
MENU: dict[Button, Point] = {
    Button.BACK: (84, 42), Button.GUIDE: (100, 34), Button.START: (116, 42),
}  # fmt: skip
STICKS: tuple[tuple[Point, Button], ...] = (
    ((40, 48), Button.LEFT_THUMB),
    ((128, 81), Button.RIGHT_THUMB),
)
SHOULDERS: tuple[tuple[Point, Button], ...] = (
    ((22, 16), Button.LEFT_SHOULDER),
    ((142, 16), Button.RIGHT_SHOULDER),
)
TRIGGERS: tuple[Point, ...] = ((22, 5), (142, 5))
STICK_TRAVEL = 8.0


def draw_pad(image: Image, state: GamepadState, caption: str = "") -> None:
    """Draw ``state`` into the lower right corner of an RGB image, in place.

    Args:
        image: ``H x W x 3`` uint8, changed.
        state: What to show.
        caption: A short text above the pad.
    """
    height, width = image.shape[:2]
    scale = max(min(width * 0.28 / SIZE[0], height * 0.35 / SIZE[1]), 0.2)
    pen = _Pen(image, scale, (width - SIZE[0] * scale - 6, height - SIZE[1] * scale - 6))
    pen.panel()
    for (x, y), value in zip(TRIGGERS, (state.left_trigger, state.right_trigger), strict=True):
        pen.bar((x, y), 36, 7, IDLE)
        pen.bar((x, y), 36 * value, 7, LIT)
    for spot, button in SHOULDERS:
        pen.bar(spot, 36, 6, _colour(state, button))
    for buttons, radius in ((FACE, 7.0), (DPAD, 5.5), (MENU, 4.5)):
        for button, spot in buttons.items():
            pen.dot(spot, radius, _colour(state, button))
    for (spot, thumb), (x, y) in zip(STICKS, (state.left, state.right), strict=True):
        pen.dot(spot, 15, IDLE, outline=True)
        cap = (spot[0] + x * STICK_TRAVEL, spot[1] - y * STICK_TRAVEL)
        moved = abs(x) > 0.05 or abs(y) > 0.05
        pen.dot(cap, 9, LIT if moved or thumb & state.buttons else IDLE)
    if caption:
        pen.text(caption)


def _colour(state: GamepadState, button: Button) -> Colour:
    return LIT if button & state.buttons else IDLE


class _Pen:
    """Draws in the pad's own coordinates."""

    def __init__(self, image: Image, scale: float, origin: Point) -> None:
        self.image = image
        self.scale = scale
        self.origin = origin

    def at(self, point: Point) -> tuple[int, int]:
        x = self.origin[0] + point[0] * self.scale
        y = self.origin[1] + point[1] * self.scale
        return round(x), round(y)

    def panel(self) -> None:
        """Darken the background so that the pad reads on any game."""
        (x0, y0), (x1, y1) = self.at((0, 0)), self.at(SIZE)
        area = self.image[max(y0, 0) : y1, max(x0, 0) : x1]
        area[:] = (area * 0.35 + np.array(PANEL) * 0.65).astype(np.uint8)

    def bar(self, corner: Point, width: float, height: float, colour: Colour) -> None:
        end = (corner[0] + width, corner[1] + height)
        if width > 0:
            cv2.rectangle(self.image, self.at(corner), self.at(end), colour, cv2.FILLED)

    def dot(self, centre: Point, radius: float, colour: Colour, outline: bool = False) -> None:
        thickness = 1 if outline else cv2.FILLED
        size = max(round(radius * self.scale), 1)
        cv2.circle(self.image, self.at(centre), size, colour, thickness, cv2.LINE_AA)

    def text(self, words: str) -> None:
        spot = self.at((0, -4))
        font = cv2.FONT_HERSHEY_SIMPLEX
        size = max(0.5 * self.scale, 0.4)
        cv2.putText(self.image, words, spot, font, size, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(self.image, words, spot, font, size, TEXT, 1, cv2.LINE_AA)
