"""A small controller with everything that a template can have, and videos that show it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.drawing.projection import Projection
from nitropilot.dataset.pad import BUTTONS, Moment, PadStates, states_of
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.templates.template import DPAD_LOOKS, Element, Fill, Kind, Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, HEIGHT = 240, 160
GREY, LIGHT = (96, 96, 104, 255), (250, 250, 250, 255)
FACE = {"south": (180, 100), "east": (204, 76), "west": (156, 76), "north": (180, 52)}
HOT = {
    "south": (60, 220, 80),
    "east": (230, 50, 60),
    "west": (70, 110, 250),
    "north": (240, 210, 50),
}
POSE = Pose(0.62, 30.3, 12.7)


def disc(
    size: int, colour: tuple[int, ...], mark: tuple[int, ...] = (0, 0, 0, 255)
) -> NDArray[np.uint8]:
    """A filled circle with a smaller one in it."""
    picture = np.zeros((size, size, 4), np.uint8)
    cv2.circle(picture, (size // 2, size // 2), size // 2 - 1, (*colour[:3], 255), -1, cv2.LINE_AA)
    cv2.circle(picture, (size // 2, size // 2), size // 5, mark, -1, cv2.LINE_AA)
    return picture


def plate(width: int, height: int, colour: tuple[int, ...]) -> NDArray[np.uint8]:
    """A filled rectangle."""
    return np.full((height, width, 4), (*colour[:3], 255), np.uint8)


def toy() -> Template:
    """The controller."""
    body = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    cv2.ellipse(body, (120, 84), (116, 72), 0, 0, 360, (36, 36, 44, 255), -1, cv2.LINE_AA)
    cv2.ellipse(body, (120, 84), (116, 72), 0, 0, 360, (150, 150, 160, 255), 3, cv2.LINE_AA)
    elements = [Element(Kind.PICTURE, "body", 0, 0, (body,))]
    for name, (x, y) in FACE.items():
        looks = (disc(24, GREY), disc(24, HOT[name]))
        elements.append(Element(Kind.BUTTON, name, x - 12, y - 12, looks))
    for name, x in {"back": 96, "guide": 114, "start": 132}.items():
        elements.append(Element(Kind.BUTTON, name, x, 40, (disc(14, GREY), disc(14, LIGHT))))
    elements.append(Element(Kind.DPAD, "dpad", 62, 88, tuple(map(_cross, DPAD_LOOKS))))
    for side, x in {"left": 40, "right": 150}.items():
        looks = (plate(50, 10, GREY), plate(50, 10, (240, 150, 40)))
        elements.append(Element(Kind.BUTTON, f"{side}_shoulder", x, 24, looks))
        looks = (plate(30, 20, GREY), plate(30, 20, (240, 60, 160)))
        elements.append(Element(Kind.TRIGGER, side, x + 10, 2, looks, fill=Fill.UP))
    for side, (x, y) in {"left": (50, 64), "right": (142, 118)}.items():
        looks = (disc(30, (80, 80, 92), LIGHT), disc(30, (210, 210, 220), (20, 20, 20, 255)))
        elements.append(Element(Kind.STICK, side, x - 15, y - 15, looks, radius=9))
    return Template("toy", WIDTH, HEIGHT, tuple(elements))


def _cross(look: frozenset[str]) -> NDArray[np.uint8]:
    picture = np.zeros((42, 42, 4), np.uint8)
    at = {"dpad_up": (14, 0), "dpad_down": (14, 28), "dpad_left": (0, 14), "dpad_right": (28, 14)}
    for name, (x, y) in at.items():
        picture[y : y + 14, x : x + 14] = LIGHT if name in look else GREY
    return picture


def pressing(count: int, seed: int = 0) -> PadStates:
    """Every button goes down now and then, triggers are pulled, sticks go round."""
    rng = np.random.default_rng(seed)
    buttons = np.zeros((count, len(BUTTONS)), bool)
    for column, name in enumerate(BUTTONS):
        first = int(rng.integers(3, 20))
        while first < count:
            length = int(rng.choice([2, 3, 5, 9]))
            buttons[first : first + length, column] = True
            first += length + int(rng.integers(12, 40))
        if name in ("dpad_down", "dpad_left"):
            other = "dpad_up" if name == "dpad_down" else "dpad_right"
            buttons[:, BUTTONS.index(other)] = np.roll(buttons[:, column], count // 2)
            buttons[:, column] &= ~buttons[:, BUTTONS.index(other)]
    turn = np.linspace(0, 6 * np.pi, count)
    far = np.clip(1.4 * np.sin(turn / 3), 0, 1)
    sticks = np.stack([far * np.cos(turn), far * np.sin(turn), far * np.sin(-turn), far], axis=1)
    triggers = np.clip(np.stack([2 * np.sin(turn), 2 * np.cos(turn)], axis=1), 0, 1)
    return PadStates(buttons, sticks.astype(np.float32), triggers.astype(np.float32))


def held(**pressed: float) -> PadStates:
    """One state for ever: buttons by name, ``j_left_x`` and so on, ``left_trigger``."""
    axes = ("j_left_x", "j_left_y", "j_right_x", "j_right_y")
    moment = Moment(
        frozenset(name for name in pressed if name in BUTTONS),
        tuple(pressed.get(axis, 0.0) for axis in axes),  # type: ignore[arg-type]
        (pressed.get("left_trigger", 0.0), pressed.get("right_trigger", 0.0)),
    )
    return states_of([moment] * 40)


def scene(count: int, width: int, height: int, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Something that moves."""
    rng = np.random.default_rng(seed)
    rough = rng.standard_normal((12, 16, 3)).astype(np.float32) * 50 + 120
    large = cv2.resize(rough, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    large += rng.standard_normal(large.shape).astype(np.float32) * 6
    for number in range(count):
        x = int((1 + np.sin(number / 15)) * width / 2)
        y = int((1 + np.cos(number / 11)) * height / 2)
        yield np.clip(large[y : y + height, x : x + width], 0, 255).astype(np.uint8)


def bars(count: int, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """Something that stands, and has more to see than what lies over it."""
    picture = np.full((height, width, 3), 40, np.uint8)
    for left in range(0, width, 14):
        picture[:, left : left + 6] = (230, 200, 60)
    picture[::11] = 255
    for _ in range(count):
        yield picture


def drawn(
    template: Template, states: PadStates, pose: Pose = POSE,
    size: tuple[int, int] = (208, 128), opacity: float = 1.0, seed: int = 0,
    pictures: Iterable[NDArray[np.uint8]] | None = None,
) -> Iterator[NDArray[np.uint8]]:  # fmt: skip
    """Pictures with a controller over them; without any, over something that moves."""
    width, height = size
    painter = Painter(template)
    projection = Projection(pose, Box(0, 0, width, height))
    seen = projection.seen()
    under = scene(len(states), width, height, seed) if pictures is None else pictures
    for number, picture in enumerate(under):
        layer = projection.project(painter.paint(states.moment(number), seen), seen)
        mixed = picture * (1 - opacity * layer[..., 3:]) + 255 * opacity * layer[..., :3]
        yield np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def encode(
    path: Path, pictures: Iterator[NDArray[np.uint8]], rate: int | Fraction = 30,
    times: list[int] | None = None, pix_fmt: str = "yuv420p", crf: int = 20,
) -> Path:  # fmt: skip
    """Pictures as a video; ``times`` in thousandths of a second, where they are not even."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.options = {"crf": str(crf), "preset": "veryfast"}
        stream.pix_fmt = pix_fmt
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times is not None:
                frame.time_base, frame.pts = Fraction(1, 1000), times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
