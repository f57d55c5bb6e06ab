"""``Layout``: what is where on a pad, one for each build of pads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nitropilot.dataset.skinmaking.shapes import Shape, circle, polygon, rounded, symmetric

if TYPE_CHECKING:
    from nitropilot.dataset.skinmaking.shapes import Point

SIDES = ("left", "right")


@dataclass(frozen=True, eq=False)
class Layout:
    """In pixels of a canvas.

    Attributes:
        width: Of the canvas.
        height: The same.
        body: Outline of the pad.
        dpad: Its middle, reach, and half the width of an arm.
        face: The middle of the four, how far they are from it, their radius.
        buttons: All others, by name.
        triggers: By side; none where the pad has none.
        sticks: Their middles, by side; none where the pad has none.
        knob: Radius of a cap.
        radius: How far a stick moves.
        well: Radius of what it stands in.
        seams: Lines on the body.
    """

    width: int
    height: int
    body: Shape | None
    dpad: tuple[Point, float, float]
    face: tuple[Point, float, float]
    buttons: dict[str, Shape]
    triggers: dict[str, Shape] = field(default_factory=dict)
    sticks: dict[str, Point] = field(default_factory=dict)
    knob: float = 40
    radius: float = 20
    well: float = 60
    seams: tuple[Shape, ...] = ()


def pair(name: str, left: Shape, width: int) -> dict[str, Shape]:
    """A shape and its mirror image, by side."""
    return {f"left_{name}": left, f"right_{name}": left.mirrored(width / 2)}


def both(left: Shape, width: int) -> dict[str, Shape]:
    """The same, by ``left`` and ``right``."""
    return {"left": left, "right": left.mirrored(width / 2)}


def offset_sticks() -> Layout:
    """Left stick above the d-pad."""
    width = 800
    outline = symmetric(
        [(400, 133), (318, 128), (225, 118), (150, 140), (98, 222), (58, 352), (42, 470),
         (68, 545), (122, 540), (178, 478), (232, 418), (300, 392), (400, 388)], 400,
    )  # fmt: skip
    return Layout(
        width, 570, outline, ((300, 320), 56, 19), ((600, 222), 50, 28),
        {
            **pair("shoulder", rounded(136, 78, 164, 34, [26, 8, 8, 14]), width),
            "back": circle(344, 222, 17), "start": circle(456, 222, 17),
            "guide": circle(400, 164, 25),
        },
        both(rounded(176, 8, 92, 60, [30, 20, 6, 6]), width),
        {"left": (200, 222), "right": (500, 320)}, 40, 20, 60,
        (circle(300, 320, 74),),
    )  # fmt: skip


def with_paddles(layout: Layout) -> Layout:
    """Two paddles on each side, below the middle."""
    paddles = {
        f"paddle{index + 1}": rounded(x, y, 34, 72, 14).turned(turn, (x + 17, y + 36))
        for index, (x, y, turn) in enumerate(
            [(112, 344, 20), (654, 344, -20), (108, 440, 14), (658, 440, -14)]
        )
    }
    buttons = {**layout.buttons, **paddles, "misc1": rounded(384, 262, 32, 18, 9)}
    return Layout(**{**layout.__dict__, "buttons": buttons})


def even_sticks() -> Layout:
    """Both sticks below, a touchpad between d-pad and the four."""
    width = 820
    outline = symmetric(
        [(410, 118), (318, 116), (236, 104), (150, 112), (100, 160), (66, 270), (40, 400),
         (40, 500), (82, 548), (134, 530), (184, 448), (236, 402), (320, 404), (410, 392)], 410,
    )  # fmt: skip
    return Layout(
        width, 570, outline, ((188, 218), 62, 21), ((632, 218), 54, 27),
        {
            **pair("shoulder", rounded(128, 72, 122, 30, [18, 18, 6, 6]), width),
            "back": rounded(272, 138, 20, 38, 10), "start": rounded(528, 138, 20, 38, 10),
            "guide": circle(410, 352, 19),
            "touchpad": rounded(308, 128, 204, 118, 16),
        },
        both(rounded(142, 6, 94, 58, [30, 30, 8, 8]), width),
        {"left": (302, 322), "right": (518, 322)}, 42, 20, 58,
    )  # fmt: skip


def pro() -> Layout:
    """As ``offset_sticks``, rounder, with four small buttons in the middle."""
    width = 780
    outline = symmetric(
        [(390, 102), (300, 98), (200, 96), (128, 124), (86, 210), (58, 330), (44, 450),
         (70, 532), (122, 520), (166, 446), (214, 398), (290, 384), (390, 382)], 390,
    )  # fmt: skip
    return Layout(
        width, 555, outline, ((288, 304), 50, 17), ((594, 206), 52, 29),
        {
            **pair("shoulder", rounded(122, 64, 150, 30, [24, 8, 6, 10]), width),
            "back": circle(326, 142, 15), "start": circle(454, 142, 15),
            "misc1": rounded(340, 192, 30, 30, 7), "guide": circle(425, 207, 16),
        },
        both(rounded(146, 8, 110, 46, [26, 14, 6, 6]), width),
        {"left": (186, 206), "right": (492, 304)}, 42, 22, 58,
    )  # fmt: skip


def split() -> Layout:
    """Two halves side by side."""
    left = rounded(60, 78, 190, 500, [95, 18, 18, 95])
    halves = left | left.mirrored(340)
    back, start = rounded(196, 108, 30, 12, 4), circle(484, 114, 15)
    return Layout(
        680, 600, halves, ((155, 368), 60, 20), ((525, 226), 52, 27),
        {
            **pair("shoulder", rounded(92, 42, 150, 28, [22, 6, 4, 4]), 680),
            "back": back, "start": start,
            "misc1": rounded(186, 470, 30, 30, 6), "guide": circle(480, 486, 16),
        },
        both(rounded(108, 6, 112, 30, [20, 8, 4, 4]), 680),
        {"left": (155, 226), "right": (525, 374)}, 38, 20, 54,
    )  # fmt: skip


def panel() -> Layout:
    """Everything in a row on a board."""
    width = 900
    return Layout(
        width, 330, rounded(6, 6, 888, 318, 36), ((300, 200), 60, 20), ((596, 196), 56, 30),
        {
            **pair("shoulder", rounded(180, 40, 110, 40, 12), width),
            "back": rounded(398, 238, 44, 22, 11), "start": rounded(458, 238, 44, 22, 11),
            "guide": circle(450, 182, 24),
        },
        both(rounded(36, 40, 128, 40, 12), width),
        {"left": (130, 198), "right": (770, 198)}, 46, 24, 72,
        (rounded(20, 20, 860, 290, 26),),
    )  # fmt: skip


def small() -> Layout:
    """No body: as little as shows all there is."""
    width = 640
    return Layout(
        width, 250, None, ((222, 172), 48, 16), ((408, 172), 44, 22),
        {
            **pair("shoulder", rounded(80, 14, 120, 34, 10), width),
            "back": rounded(232, 24, 34, 18, 9), "start": rounded(374, 24, 34, 18, 9),
            "guide": rounded(300, 20, 40, 24, 12),
        },
        both(rounded(18, 14, 46, 84, 10), width),
        {"left": (112, 172), "right": (528, 172)}, 34, 20, 54,
    )  # fmt: skip


def old() -> Layout:
    """A flat pad of before there were sticks."""
    width = 700
    outline = rounded(150, 66, 400, 180, 30) | circle(160, 180, 126) | circle(540, 180, 126)
    return Layout(
        width, 316, outline, ((160, 180), 62, 20), ((540, 180), 62, 31),
        {
            **pair("shoulder", rounded(82, 14, 170, 40, [26, 18, 4, 4]), width),
            "back": rounded(276, 182, 58, 18, 9).turned(-28, (305, 191)),
            "start": rounded(366, 182, 58, 18, 9).turned(-28, (395, 191)),
        },
        seams=(circle(160, 180, 92), circle(540, 180, 108)),
    )  # fmt: skip


def with_bars(layout: Layout) -> Layout:
    """With long bars for triggers beside the sticks."""
    width = layout.width
    bar = polygon([(22, 112), (44, 112), (44, 262), (22, 262)])
    return Layout(**{**layout.__dict__, "triggers": both(bar, width)})
