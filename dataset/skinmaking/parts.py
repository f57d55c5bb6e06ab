"""Elements of a template, drawn in a style."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nitropilot.dataset.skinmaking.ink import Sheet
from nitropilot.dataset.skinmaking.shapes import Shape, circle, rounded
from nitropilot.dataset.skinmaking.signs import arrow
from nitropilot.dataset.skinmaking.style import Knob, Press, Pull, Style
from nitropilot.dataset.templates.template import DPAD_LOOKS, Element, Fill, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.dataset.skinmaking.shapes import Point

GROWN = 1.16
SUNK = 4.0
REACH = 13.0
_LIFT = {Knob.CAP: 1.0, Knob.RING: 1.0, Knob.DOT: 1.25}


def sheet_for(shape: Shape, margin: float) -> Sheet:
    """An empty sheet that holds a shape, from a whole pixel on."""
    left, top, right, bottom = shape.bounds
    x, y = math.floor(left - margin), math.floor(top - margin)
    return Sheet(math.ceil(right + margin) - x, math.ceil(bottom + margin) - y, x, y)


def body(width: int, height: int, shape: Shape | None, extra: Sequence[Shape], wells: Sequence[
    Shape], style: Style) -> Element | None:  # fmt: skip
    """What stands still: the pad's outline, seams on it, the sticks' wells.

    Args:
        width: Of the canvas.
        height: The same.
        shape: The outline; None where the skin has none.
        extra: Seams and plates.
        wells: Where the sticks stand.
        style: How.
    """
    sheet = Sheet(width, height)
    if shape is not None:
        if style.body is not None:
            sheet.fill(shape, style.body, style.body_alpha, style.body_below)
        if style.body_right is not None:
            sheet.fill(Shape(shape.parts[1:]), style.body_right, style.body_alpha)
        sheet.line(shape, style.edge_width, style.edge, style.line_alpha)
    for seam in extra:
        sheet.line(seam, style.line_width * 0.6, style.edge, 0.55 * style.line_alpha)
    for well in wells:
        if style.well is not None:
            sheet.fill(well, style.well, style.body_alpha)
        sheet.line(well, style.line_width, style.line, style.line_alpha)
    look = sheet.look()
    if not look[..., 3].any():
        return None
    return Element(Kind.PICTURE, "body", 0, 0, (look,), ident="body")


def button(name: str, shape: Shape, sign: Shape | None, style: Style) -> Element:
    """One that is up or down; ``sign`` is what stands on it."""
    sheets = [_key(name, shape, sign, style, down) for down in (False, True)]
    return Element(
        Kind.BUTTON, name, sheets[0].left, sheets[0].top, tuple(s.look() for s in sheets),
        ident=name,
    )  # fmt: skip


def player_button(name: str, shape: Shape, style: Style) -> Element:
    """A guide button: lit on one side while it is up, all of it while it is down."""
    left, top, right, _ = shape.bounds
    middle_x, middle_y = shape.middle
    size = (right - left) * 0.17
    sign = circle(middle_x, middle_y, size) | circle(middle_x, top + size * 1.2, size * 0.5)
    return button(name, shape, sign, style)


def _key(name: str, shape: Shape, sign: Shape | None, style: Style, down: bool) -> Sheet:
    sheet = sheet_for(shape, _margin(shape, style))
    colour = style.signs.get(name, style.sign)
    if not down:
        if style.shadow is not None:
            sheet.fill(shape.moved(0, SUNK), style.shadow, style.key_alpha)
        _plate(sheet, shape, style)
        return _written(sheet, sign, colour)
    lit = style.lit_of(name)
    if style.press is Press.LARGER:
        if sign is not None:
            sign = sign.grown(GROWN, shape.middle)
        shape = shape.grown(GROWN)
    elif style.press is Press.OFFSET:
        shape = shape.moved(0, SUNK)
        sign = None if sign is None else sign.moved(0, SUNK)
    if style.press is Press.GLOW:
        sheet.glow(shape, REACH, lit, 0.9)
    if style.press in (Press.COLOUR, Press.GLOW):
        _plate(sheet, shape, style)
        sheet.fill(shape, lit, 0.45).line(shape, style.line_width * 1.3, lit)
        return _written(sheet, sign, lit if style.press is Press.COLOUR else style.sign_lit)
    sheet.fill(shape, lit).line(shape, style.line_width, style.line, style.line_alpha)
    return _written(sheet, sign, style.sign_lit)


def _plate(sheet: Sheet, shape: Shape, style: Style) -> None:
    if style.key is not None:
        sheet.fill(shape, style.key, style.key_alpha, style.key_below)
    sheet.line(shape, style.line_width, style.line, style.line_alpha)


def _written(sheet: Sheet, sign: Shape | None, colour: str) -> Sheet:
    return sheet if sign is None else sheet.fill(sign, colour)


def _margin(shape: Shape, style: Style) -> float:
    left, top, right, bottom = shape.bounds
    larger = max(right - left, bottom - top) * (GROWN - 1) / 2
    more = {Press.GLOW: REACH, Press.LARGER: larger, Press.OFFSET: SUNK}
    shadow = SUNK if style.shadow is not None else 0.0
    return max(more.get(style.press, 0.0), shadow) + style.line_width + 1


def trigger(side: str, shape: Shape, sign: Shape | None, style: Style) -> Element:
    """One that fills while it is pulled, or looks pressed."""
    name = f"{side}_trigger"
    if style.pull is Pull.BUTTON:
        up, down = (_key(name, shape, sign, style, down) for down in (False, True))
        fill = None
    else:
        # Close around it: what is filled first must be of the trigger, not of the air beside it.
        up, down = (sheet_for(shape, style.line_width / 2) for _ in range(2))
        _plate(up, shape, style)
        _written(up, sign, style.signs.get(name, style.sign))
        down.fill(shape, style.lit_of(name))
        down.line(shape, style.line_width, style.line, style.line_alpha)
        _written(down, sign, style.sign_lit)
        fill = Fill(style.pull.value)
    return Element(
        Kind.TRIGGER, side, up.left, up.top, (up.look(), down.look()), fill=fill, ident=name
    )


def stick(side: str, middle: Point, size: float, radius: float, style: Style) -> Element:
    """What moves where a stick is.

    Args:
        side: Left or right.
        middle: Of the stick at rest.
        size: From the middle to the edge of a cap, in pixels.
        radius: How far it moves.
        style: How.
    """
    name = f"{side}_thumb"
    if style.knob is Knob.DOT:
        size *= 0.42
    knob = circle(*middle, size)
    glow = style.press is Press.GLOW
    margin = (REACH if glow else size * (GROWN - 1)) + style.line_width + 1
    sheets = [sheet_for(knob, margin) for _ in range(2)]
    for down, sheet in enumerate(sheets):
        lit, shape = style.lit_of(name), knob
        if down and glow:
            sheet.glow(knob, REACH, lit, 0.9)
        elif down and style.press is Press.LARGER:
            shape = knob.grown(GROWN)
        _knob(sheet, shape, style, lit if down else None)
    looks = tuple(sheet.look() for sheet in sheets)
    reach = round(radius * _LIFT[style.knob])
    return Element(
        Kind.STICK, side, sheets[0].left, sheets[0].top, looks, reach, ident=f"{side}_stick"
    )


def _knob(sheet: Sheet, shape: Shape, style: Style, lit: str | None) -> None:
    """A cap, a ring or a dot; ``lit`` is its colour while it is pressed."""
    if style.knob is Knob.RING:
        if lit is not None:
            sheet.fill(shape, lit, 0.85)
        sheet.line(shape.grown(0.95), style.line_width * 1.6, lit or style.knob_colour)
        sheet.line(shape.grown(0.62), style.line_width, style.line, style.line_alpha)
    elif style.knob is Knob.DOT:
        sheet.fill(shape, lit or style.knob_colour)
        sheet.line(shape, style.line_width, style.line, style.line_alpha)
    else:
        sheet.fill(shape, style.knob_colour)
        sheet.line(shape, style.line_width, style.line, style.line_alpha)
        inner = shape.grown(0.7)
        sheet.fill(inner, lit or style.line, 0.85 if lit else 0.12)
        sheet.line(inner, style.line_width * 0.8, lit or style.line, style.line_alpha)


def cross(middle: Point, reach: float, wide: float, corner: float) -> Shape:
    """The outline of a d-pad of one piece."""
    x, y = middle
    across = rounded(x - reach, y - wide, 2 * reach, 2 * wide, corner)
    return across | rounded(x - wide, y - reach, 2 * wide, 2 * reach, corner)


def arms(middle: Point, reach: float, wide: float, corner: float) -> dict[str, Shape]:
    """The four arms of a d-pad, by direction, each from its end to near the middle."""
    x, y = middle
    up = rounded(x - wide, y - reach, 2 * wide, reach - wide * 0.9, [corner, corner, 1, 1])
    turns = {"up": 0, "right": 90, "down": 180, "left": 270}
    return {way: up.turned(degrees, middle) for way, degrees in turns.items()}


def dpad(middle: Point, reach: float, wide: float, style: Style) -> Element:
    """A d-pad of one piece in its nine looks."""
    whole = cross(middle, reach, wide, 6)
    each = arms(middle, reach, wide, 6)
    glow = style.press is Press.GLOW
    looks = []
    for shown in DPAD_LOOKS:
        sheet = sheet_for(whole, (REACH if glow else 2) + style.line_width)
        lit = [name.removeprefix("dpad_") for name in sorted(shown)]
        for way in lit if glow else ():
            sheet.glow(each[way], REACH, style.lit, 0.9)
        _plate(sheet, whole, style)
        for way in lit:
            sheet.fill(each[way], style.lit, 0.95)
        for way in each:
            x, y = each[way].middle
            sheet.fill(arrow(way, x, y, wide * 0.36), style.sign_lit if way in lit else style.sign)
        looks.append(sheet.look())
    return Element(Kind.DPAD, "dpad", sheet.left, sheet.top, tuple(looks), ident="dpad")


def dpad_buttons(middle: Point, reach: float, wide: float, style: Style) -> list[Element]:
    """A d-pad of four buttons, side by side around a middle."""
    gap = wide * 0.28
    shift = {"up": (0, -gap), "right": (gap, 0), "down": (0, gap), "left": (-gap, 0)}
    parts = []
    for way, arm in arms(middle, reach, wide, 7).items():
        shape = arm.moved(*shift[way])
        sign = arrow(way, *shape.middle, wide * 0.36)
        parts.append(button(f"dpad_{way}", shape, sign, style))
    return parts
