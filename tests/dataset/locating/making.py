"""Crude skins, games that move, and videos of them that need no file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.drawing.planes import Colours, Planes, layer_of, planes_of
from nitropilot.dataset.drawing.projection import Projection
from nitropilot.dataset.locating.neutral import even
from nitropilot.dataset.pad import Moment
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.templates.template import Element, Kind, Template
from nitropilot.dataset.video.frames import Frame, Video

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 200
COLOURS = Colours()
BUTTONS = {
    "south": (352, 150),
    "east": (392, 110),
    "west": (312, 110),
    "north": (352, 70),
    "dpad_up": (160, 180),
    "dpad_down": (160, 236),
    "dpad_left": (132, 208),
    "dpad_right": (188, 208),
}
LETTERS = {"south": "A", "east": "B", "west": "X", "north": "Y"}
OTHER_LETTERS = {"south": "X", "east": "O", "west": "#", "north": "T"}


@dataclass(frozen=True)
class Look:
    """How a crude skin is drawn: colours as RGBA."""

    body: tuple[int, int, int, int] = (40, 42, 48, 255)
    line: tuple[int, int, int, int] = (200, 200, 210, 255)
    face: tuple[int, int, int, int] = (90, 92, 100, 255)
    lit: tuple[int, int, int, int] = (250, 210, 60, 255)
    letters: dict[str, str] = field(default_factory=lambda: LETTERS)
    round: bool = True


DARK = Look()
LOOKALIKE = Look(letters=OTHER_LETTERS)
BLUE = Look(body=(30, 60, 190, 255), face=(20, 30, 90, 255), round=False, letters=OTHER_LETTERS)
OUTLINE = Look(body=(0, 0, 0, 0), line=(255, 255, 255, 255), face=(0, 0, 0, 0))


def skin(name: str, look: Look) -> Template:
    """A crude pad of 480 x 320."""
    elements = [Element(Kind.PICTURE, "body", 0, 0, (_body(look),))]
    for button, (x, y) in BUTTONS.items():
        looks = tuple(_button(look, look.letters.get(button, ""), pressed) for pressed in (0, 1))
        elements.append(Element(Kind.BUTTON, button, x, y, looks))
    for side, x in (("left", 78), ("right", 270)):
        looks = tuple(_cap(look, pressed) for pressed in (0, 1))
        elements.append(Element(Kind.STICK, side, x, 100 + 90 * (side == "right"), looks, 14))
    return Template(name, 480, 320, tuple(elements))


def _body(look: Look) -> Picture:
    picture = np.zeros((320, 480, 4), np.uint8)
    if look.round:
        cv2.ellipse(picture, (240, 160), (225, 130), 0, 0, 360, look.body, -1, cv2.LINE_AA)
        cv2.ellipse(picture, (240, 160), (225, 130), 0, 0, 360, look.line, 4, cv2.LINE_AA)
    else:
        cv2.rectangle(picture, (15, 30), (465, 290), look.body, -1)
        cv2.rectangle(picture, (15, 30), (465, 290), look.line, 5)
    for x, y in ((114, 136), (306, 226)):
        cv2.circle(picture, (x, y), 42, look.line, 3, cv2.LINE_AA)
    for x in (205, 275):
        cv2.rectangle(picture, (x - 14, 96), (x + 14, 112), look.line, 3)
    cv2.putText(picture, "PAD", (196, 76), cv2.FONT_HERSHEY_DUPLEX, 1.3, look.line, 3, cv2.LINE_AA)
    return picture


def _button(look: Look, letter: str, pressed: int) -> Picture:
    picture = np.zeros((38, 38, 4), np.uint8)
    colour = look.lit if pressed else look.face
    if letter:
        cv2.circle(picture, (19, 19), 17, colour, -1, cv2.LINE_AA)
        cv2.circle(picture, (19, 19), 17, look.line, 2, cv2.LINE_AA)
        at = (8, 29)
        cv2.putText(picture, letter, at, cv2.FONT_HERSHEY_DUPLEX, 1.0, look.line, 2, cv2.LINE_AA)
    else:
        cv2.rectangle(picture, (4, 4), (33, 33), colour, -1)
        cv2.rectangle(picture, (4, 4), (33, 33), look.line, 2)
    return picture


def _cap(look: Look, pressed: int) -> Picture:
    picture = np.zeros((72, 72, 4), np.uint8)
    cv2.circle(picture, (36, 36), 30, look.lit if pressed else look.face, -1, cv2.LINE_AA)
    cv2.circle(picture, (36, 36), 30, look.line, 3, cv2.LINE_AA)
    cv2.circle(picture, (36, 36), 18, look.line, 2, cv2.LINE_AA)
    return picture


def game(seed: int, index: int, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """A picture of a game that scrolls: large and small patches over a gradient."""
    return np.roll(_world(seed, width, height), -9 * index, axis=1)[:, :width]


@cache
def _world(seed: int, width: int, height: int) -> Picture:
    rng = np.random.default_rng(seed)
    world = np.zeros((height, 2 * width, 3), np.float32)
    world += np.linspace(70, 150, height, dtype=np.float32)[:, None, None]
    for size, strength in ((3, 60), (10, 250), (40, 600)):
        noise = rng.normal(0, 1, world.shape).astype(np.float32)
        world += strength * cv2.GaussianBlur(noise, (0, 0), size)
    for _ in range(24):
        x, y, r = rng.integers(0, 2 * width), rng.integers(0, height), rng.integers(5, 25)
        colour = rng.integers(0, 256, 3).tolist()
        cv2.rectangle(world, (int(x), int(y)), (int(x + r), int(y + r)), colour, -1)
    return np.clip(world, 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Shown:
    """A skin over some frames of a video."""

    template: Template
    pose: Pose
    first: int = 0
    last: int = 10**6
    opacity: float = 1.0


@dataclass
class Clip(Video):
    """A ``Video`` whose frames are drawn when they are asked for.

    Attributes:
        shown: What is on top of the game.
        seed: Of the game.
        held: Where the sticks are; None for now and then somewhere.
        grows: From which frame on it has another width and height.
        ends: The first frame that cannot be decoded.
        asked: All frames that were asked for.
    """

    shown: Sequence[Shown] = ()
    seed: int = 1
    held: tuple[float, float, float, float] | None = None
    grows: tuple[int, int, int] | None = None
    ends: int = 10**6
    asked: list[int] = field(default_factory=list)

    def frames(self, box: Box | None = None, first: int = 0) -> Iterator[Frame]:
        """As a ``Video`` does; whole frames alone."""
        assert box is None
        for number in range(first, min(len(self.times), self.ends)):
            self.asked.append(number)
            yield self.frame(number)

    def near(self, number: int, box: Box | None = None) -> Frame | None:
        """The same: every tenth frame can be decoded by itself."""
        return next(self.frames(box, number // 10 * 10), None)

    def frame(self, number: int) -> Frame:
        """One of them."""
        width, height = self.width, self.height
        if self.grows and number >= self.grows[0]:
            width, height = self.grows[1:]
        planes = planes_of(game(self.seed, number, width, height), COLOURS)
        for each in self.shown:
            if each.first <= number < each.last:
                _draw(planes, each, self.moment(number))
        noise = np.random.default_rng(number)
        y, u, v = (
            np.clip(np.round(plane + noise.normal(0, 2, plane.shape)), 0, 255).astype(np.uint8)
            for plane in planes
        )
        return Frame(number, float(self.times[number]), y, u, v, width, height)

    def moment(self, number: int) -> Moment:
        """Something is pressed in every frame, and never the same for long."""
        rng = np.random.default_rng(number + 1000)
        down = frozenset(name for name in BUTTONS if rng.random() < 0.2)
        x, y = (rng.uniform(-1, 1, 2) if rng.random() < 0.4 else np.zeros(2)).tolist()
        return Moment(down, self.held or (x, y, 0.0, 0.0))


def _draw(planes: Planes, shown: Shown, moment: Moment) -> None:
    """Draw a skin into a picture."""
    width, height = shown.template.width, shown.template.height
    high, wide = planes.y.shape
    box = even(shown.pose.box(width, height), wide, high)
    canvas = _painter(shown.template).paint(moment)
    drawn = Projection(shown.pose, box).project(canvas, Box(0, 0, width, height))
    half = Box(*(side // 2 for side in box))
    parts = [
        plane[cut.top : cut.bottom, cut.left : cut.right]
        for plane, cut in zip(planes, (box, half, half), strict=True)
    ]
    mixed = layer_of(drawn, COLOURS).over(Planes(*parts), shown.opacity)
    for part, new in zip(parts, mixed, strict=True):
        part[:] = new


@cache
def _painter(template: Template) -> Painter:
    return Painter(template)


def clip(*shown: Shown, count: int = 30, seed: int = 1) -> Clip:
    """A video of some frames."""
    return Clip(Path("clip"), WIDTH, HEIGHT, np.arange(count) / 30, COLOURS, shown=shown, seed=seed)


def off(pose: Pose, right: Pose, template: Template) -> float:
    """By how many pixels a pose is off, at the corner of the canvas where it is most."""
    wide, high = template.width, template.height
    corners = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]])
    apart = corners @ (pose.matrix() - right.matrix()).T
    return float(np.hypot(*apart.T).max())
