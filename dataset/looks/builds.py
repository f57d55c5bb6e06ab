"""Builds of made-up controllers: pads of several makers, boards, bare groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nitropilot.dataset.looks.forms import rounded
from nitropilot.dataset.looks.spots import Field, Places, Spot
from nitropilot.dataset.looks.traits import Build
from nitropilot.dataset.skinmaking.shapes import Shape, symmetric
from nitropilot.dataset.skinmaking.shapes import rounded as sided

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from nitropilot.dataset.skinmaking.shapes import Point


def diamond(x: float, y: float, apart: float, size: float) -> dict[str, Spot]:
    """The four face buttons around a point."""
    return {
        "south": Spot(x, y + apart, size), "east": Spot(x + apart, y, size),
        "west": Spot(x - apart, y, size), "north": Spot(x, y - apart, size),
    }  # fmt: skip


def pair(left: Field, width: float) -> dict[str, Field]:
    """One and its mirror image, by side."""
    return {"left": left, "right": left._replace(x=width - left.x)}


def _grips(rng: Generator, width: float, top: float, waist: float, foot: float) -> Shape:
    """The outline of a pad with two grips."""
    axis = width / 2
    out, lean = float(rng.uniform(0.02, 0.09)), float(rng.uniform(0.06, 0.14))
    high = foot - top
    half: list[Point] = [
        (axis, top + 3), (width * 0.36, top), (width * 0.24, top - 2), (width * 0.14, top + 8),
        (width * (out + 0.05), top + high * 0.3), (width * out, top + high * 0.65),
        (width * (out + 0.01), foot - high * 0.06), (width * (out + lean), foot),
        (width * (out + lean + 0.07), foot - high * 0.14),
        (width * (out + lean + 0.13), waist + 4), (width * 0.4, waist), (axis, waist),
    ]  # fmt: skip
    return symmetric(half, axis, 10)


def _xbox(rng: Generator) -> Places:
    apart, size = float(rng.uniform(23, 28)), float(rng.uniform(11, 15))
    fields = _above(rng, 400, 108)
    return Places(
        (_grips(rng, 400, 62, 198, float(rng.uniform(255, 285))),),
        diamond(300, 112, apart, size), Spot(150, 162, float(rng.uniform(24, 31))), *fields,
        {"left": Spot(100, 112, 31), "right": Spot(250, 162, 31)},
        {"back": Spot(172, 112, 8), "start": Spot(228, 112, 8), "guide": Spot(200, 82, 13)},
        _paddles(rng, 400, 215),
    )  # fmt: skip


def _playstation(rng: Generator) -> Places:
    apart, size = float(rng.uniform(25, 30)), float(rng.uniform(11, 15))
    fields = _above(rng, 400, 96)
    pad = (Field(200, 96, float(rng.uniform(80, 104)), float(rng.uniform(40, 62))),)
    return Places(
        (_grips(rng, 400, 62, 196, float(rng.uniform(255, 285))),),
        diamond(312, 110, apart, size), Spot(88, 110, float(rng.uniform(28, 34))), *fields,
        {"left": Spot(145, 164, 31), "right": Spot(255, 164, 31)},
        {"back": Spot(134, 82, 7), "start": Spot(266, 82, 7), "guide": Spot(200, 172, 9)},
        pad if rng.random() < 0.75 else (),
    )  # fmt: skip


def _switch(rng: Generator) -> Places:
    places = _xbox(rng)
    return replace(
        places, outline=(_grips(rng, 400, 54, 200, float(rng.uniform(245, 270))),),
        small={"back": Spot(164, 78, 7), "start": Spot(236, 78, 7), "guide": Spot(218, 106, 8)},
        others=(Field(182, 106, 14, 14),),
    )  # fmt: skip


def _halves(rng: Generator) -> Places:
    gap, top = float(rng.uniform(0, 70)), 44.0
    middle = 110 + gap / 2 + 20
    left = sided(20, top, 100, 262, [48, 9, 9, 48])
    return Places(
        (left, left.mirrored(middle)),
        diamond(2 * middle - 70, 118, 26, 13), Spot(70, 194, 30),
        pair(Field(72, 33, 84, 18), 2 * middle), pair(Field(74, 12, 70, 17), 2 * middle),
        {"left": Spot(70, 112, 29), "right": Spot(2 * middle - 70, 194, 29)},
        {"back": Spot(103, 64, 8), "start": Spot(2 * middle - 103, 64, 8),
         "guide": Spot(2 * middle - 98, 258, 8)},
        (Field(98, 258, 15, 15),),
    )  # fmt: skip


def _handheld(rng: Generator) -> Places:
    width, high = 480.0, float(rng.uniform(170, 210))
    top = 46.0
    up, down = top + high * 0.3, top + high * 0.68
    swap = rng.random() < 0.3
    places = Places(
        (rounded(6, top, width - 12, high, 44),), diamond(422, up, 22, 11), Spot(58, down, 26),
        pair(Field(70, 33, 96, 18), width), pair(Field(66, 11, 74, 18), width),
        {"left": Spot(58, up, 27), "right": Spot(422, down, 27)},
        {"back": Spot(108, top + 16, 6), "start": Spot(372, top + 16, 6),
         "guide": Spot(108, top + high - 18, 7)},
        (Field(240, top + high / 2, 232, high * 0.82),),
    )  # fmt: skip
    if swap:
        return replace(
            places, dpad=Spot(58, up, 26), sticks={"left": Spot(58, down, 27),
                                                   "right": Spot(422, down, 27)},
        )  # fmt: skip
    return places


def _retro(rng: Generator) -> Places:
    """From before there were sticks, or with one and a small one."""
    bones = rng.random() < 0.5
    body = rounded(20, 34, 320, 140, 66 if bones else 12)
    face = diamond(280, 104, float(rng.uniform(26, 32)), float(rng.uniform(13, 18)))
    if rng.random() < 0.3:  # two buttons side by side
        face = {"south": Spot(258, 112, 18), "east": Spot(302, 112, 18)}
    elif rng.random() < 0.35:  # a large one and three around it
        face = {"south": Spot(270, 104, 24), "west": Spot(234, 124, 12),
                "east": Spot(309, 98, 14), "north": Spot(262, 66, 14)}  # fmt: skip
    return Places(
        (body,), face, Spot(82, 104, float(rng.uniform(30, 40))),
        pair(Field(88, 24, 100, 20), 360) if rng.random() < 0.7 else {}, {}, {},
        {"back": Spot(158, 112, 9), "start": Spot(200, 112, 9)},
    )  # fmt: skip


def _panel(rng: Generator) -> Places:
    """Everything side by side on a board."""
    order = [("stick", 86.0), ("dpad", 92.0), ("small", 66.0), ("face", 96.0), ("stick", 86.0)]
    kind = rng.random()
    if kind < 0.3:
        order = [order[1], order[0], order[2], order[4], order[3]]
    elif kind < 0.45:
        order = [order[0], order[4], order[1], order[3], order[2]]
    top, at, sides = float(rng.uniform(50, 66)), 12.0, iter(("left", "right"))
    y = top + 54
    face: dict[str, Spot] = {}
    sticks: dict[str, Spot] = {}
    small: dict[str, Spot] = {}
    dpad = None
    for name, wide in order:
        x = at + wide / 2
        if name == "stick":
            sticks[next(sides)] = Spot(x, y, float(rng.uniform(30, 40)))
        elif name == "dpad":
            dpad = Spot(x, y, float(rng.uniform(28, 38)))
        elif name == "face":
            face = diamond(x, y, float(rng.uniform(25, 29)), float(rng.uniform(12, 16)))
        else:
            small = {"back": Spot(x - 17, y + 18, 9), "start": Spot(x + 17, y + 18, 9),
                     "guide": Spot(x, y - 16, 13)}  # fmt: skip
        at += wide + 5
    width = at + 8
    body = rounded(2, 2, width - 4, y + 52, float(rng.uniform(0, 26)))
    return Places(
        (body,), face, dpad, pair(Field(width * 0.34, top - 24, 62, 22), width),
        pair(Field(width * 0.14, top - 24, 74, 22), width), sticks, small,
    )  # fmt: skip


def _arcade(rng: Generator) -> Places:
    """Two rows of four, bent a little, and a lever or four more to its left."""
    size, step = float(rng.uniform(15, 19)), float(rng.uniform(40, 46))
    bend = [16.0, 0.0, 3.0, 12.0] if rng.random() < 0.7 else [0.0] * 4
    first = 184.0
    rows = [
        [Spot(first + step * i, y + bend[i], size) for i in range(4)] for y in (64.0, 64 + step)
    ]
    face = {"west": rows[0][0], "north": rows[0][1], "south": rows[1][0], "east": rows[1][1]}
    wide = 1.9 * size
    fields = [
        {"right": Field(*row[2][:2], wide, wide), "left": Field(*row[3][:2], wide, wide)}
        for row in rows
    ]
    ways: dict[str, Spot] = {}
    sticks: dict[str, Spot] = {}
    dpad = None
    kind = rng.random()
    if kind < 0.4:
        ways = {"dpad_left": Spot(44, 76, size), "dpad_down": Spot(84, 80, size),
                "dpad_right": Spot(122, 96, size), "dpad_up": Spot(146, 146, size + 3)}  # fmt: skip
    elif kind < 0.75:
        sticks = {"left": Spot(86, 92, 42)}
    else:
        dpad = Spot(86, 92, 38)
    width = first + 3 * step + 34
    small = {"back": Spot(30, 28, 8), "start": Spot(56, 28, 8), "guide": Spot(82, 28, 8)}
    return Places(
        (rounded(2, 2, width, 176, float(rng.uniform(4, 24))),), face, dpad, fields[0], fields[1],
        sticks, small, ways=ways,
    )  # fmt: skip


def _free(rng: Generator) -> Places:
    """Groups beside and above each other, without a body that they belong on."""
    columns = int(rng.integers(2, 4))
    cell = float(rng.uniform(88, 104))
    names = ["left", "right", "dpad", "face"]
    rng.shuffle(names)
    if rng.random() < 0.5:
        names = ["left", "right", "dpad", "face"] if rng.random() < 0.5 else \
            ["dpad", "face", "left", "right"]  # fmt: skip
    top = 54.0
    at = {
        name: (cell * (0.5 + i % columns), top + cell * (0.5 + i // columns))
        for i, name in enumerate(names)
    }
    width, rows = cell * columns, -(-len(names) // columns)
    foot = top + rows * cell
    upright = rng.random() < 0.35
    triggers = pair(Field(width * 0.24, 14, width * 0.34, 20), width)
    if upright:  # long bars at both sides
        triggers = pair(Field(-16, top + rows * cell / 2, 18, rows * cell * 0.75), width)
    return Places(
        (rounded(-30 if upright else 0, 0, width + (60 if upright else 0), foot + 26, 14),),
        diamond(*at["face"], cell * 0.28, cell * 0.15), Spot(*at["dpad"], cell * 0.36),
        pair(Field(width * 0.24, 38, width * 0.36, 18), width), triggers,
        {side: Spot(*at[side], cell * 0.38) for side in ("left", "right")},
        {"back": Spot(width * 0.4, foot + 10, 8), "start": Spot(width * 0.6, foot + 10, 8),
         "guide": Spot(width * 0.5, foot + 10, 8)},
    )  # fmt: skip


def _above(rng: Generator, width: float, x: float) -> tuple[dict[str, Field], dict[str, Field]]:
    """Shoulders and triggers above a body."""
    shoulder = Field(x, 52, float(rng.uniform(68, 92)), float(rng.uniform(14, 20)))
    trigger = Field(x - 6, 24, float(rng.uniform(42, 70)), float(rng.uniform(28, 38)))
    return pair(shoulder, width), pair(trigger, width)


def _paddles(rng: Generator, width: float, y: float) -> tuple[Field, ...]:
    if rng.random() < 0.75:
        return ()
    near, far = pair(Field(66, y, 15, 36), width).values()
    return near, far


BUILDS: dict[Build, Callable[[Generator], Places]] = {
    Build.XBOX: _xbox, Build.PLAYSTATION: _playstation, Build.SWITCH: _switch,
    Build.HALVES: _halves, Build.HANDHELD: _handheld, Build.RETRO: _retro, Build.PANEL: _panel,
    Build.ARCADE: _arcade, Build.FREE: _free,
}  # fmt: skip
"""What places the elements of each."""
