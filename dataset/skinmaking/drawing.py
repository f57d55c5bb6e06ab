"""From a skin's entry in the catalogue to a template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.dataset.skinmaking import parts
from nitropilot.dataset.skinmaking.shapes import Shape, circle
from nitropilot.dataset.skinmaking.signs import symbol, text
from nitropilot.dataset.templates.template import Element, Template

if TYPE_CHECKING:
    from nitropilot.dataset.skinmaking.catalogue import Skin
    from nitropilot.dataset.skinmaking.layouts import Layout

FACE = {"south": (0, 1), "east": (1, 0), "west": (-1, 0), "north": (0, -1)}
LETTERS: dict[str, dict[str, str]] = {
    "xbox": {
        "south": "A", "east": "B", "west": "X", "north": "Y", "left_shoulder": "LB",
        "right_shoulder": "RB", "left_trigger": "LT", "right_trigger": "RT",
        "back": "*view", "start": "*menu", "guide": "*star", "misc1": "*dot",
    },
    "playstation": {
        "south": "*cross", "east": "*ring", "west": "*square", "north": "*triangle",
        "left_shoulder": "L1", "right_shoulder": "R1", "left_trigger": "L2",
        "right_trigger": "R2", "guide": "*dot",
    },
    "switch": {
        "south": "B", "east": "A", "west": "Y", "north": "X", "left_shoulder": "L",
        "right_shoulder": "R", "left_trigger": "ZL", "right_trigger": "ZR", "back": "-",
        "start": "+", "guide": "*home", "misc1": "*dot",
    },
    "generic": {
        "south": "A", "east": "B", "west": "X", "north": "Y", "left_shoulder": "L1",
        "right_shoulder": "R1", "left_trigger": "L2", "right_trigger": "R2", "guide": "*star",
    },
}  # fmt: skip
"""What is written on what; ``*`` before a symbol's name."""


def template(skin: Skin) -> Template:
    """Draw a skin."""
    layout, style = skin.build(), skin.style
    elements: list[Element] = []
    wells = [circle(*middle, layout.well) for middle in layout.sticks.values()]
    body = parts.body(layout.width, layout.height, layout.body, layout.seams, wells, style)
    if body is not None:
        elements.append(body)
    for side, shape in layout.triggers.items():
        sign = _sign(skin.family, f"{side}_trigger", shape)
        elements.append(parts.trigger(side, shape, sign, style))
    for name, shape in layout.buttons.items():
        if name == "guide" and skin.player:
            elements.append(parts.player_button(name, shape, style))
        else:
            elements.append(parts.button(name, shape, _sign(skin.family, name, shape), style))
    elements += _dpad(layout, skin)
    (x, y), apart, size = layout.face
    for name, (right, down) in FACE.items():
        shape = circle(x + right * apart, y + down * apart, size)
        elements.append(parts.button(name, shape, _sign(skin.family, name, shape), style))
    for side, middle in layout.sticks.items():
        elements.append(parts.stick(side, middle, layout.knob, layout.radius, style))
    facts = {"codes": skin.codes, "style": _style(skin), "source": "drawn"}
    if skin.partial:
        facts["partial"] = "yes"
    return Template(skin.name, layout.width, layout.height, tuple(elements), skin.family, facts)


def _dpad(layout: Layout, skin: Skin) -> list[Element]:
    middle, reach, wide = layout.dpad
    if skin.style.one_dpad:
        return [parts.dpad(middle, reach, wide, skin.style)]
    return parts.dpad_buttons(middle, reach, wide, skin.style)


def _style(skin: Skin) -> str:
    """Whether one sees the game through it."""
    style = skin.style
    filled = style.body is not None and style.body_alpha > 0.9
    return "opaque" if filled else "outline"


def _sign(family: str, name: str, shape: Shape) -> Shape | None:
    """What is written on a button."""
    written = LETTERS[family].get(name)
    if written is None:
        return None
    left, top, right, bottom = shape.bounds
    small = min(right - left, bottom - top)
    if not written.startswith("*"):
        height = min(small * 0.52, 30, (right - left) * 0.62 / len(written))
        return text(written, *shape.middle, height, 1.0 + 4 / height)
    return symbol(written[1:], *shape.middle, small * 0.21, max(2.2, small * 0.075))
