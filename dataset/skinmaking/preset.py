"""A template as a preset of the OBS plugin input-overlay: a JSON, and a picture of all sprites."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from nitropilot.dataset.pad import SIDES
from nitropilot.dataset.templates.template import Element, Fill, Kind, Template

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

GAP = 3
"""Pixels between sprites."""
NAMES = ("preset.json", "atlas.png")
BY_POSITION = {
    "south": 0, "east": 1, "west": 2, "north": 3, "back": 4, "guide": 5, "start": 6,
    "left_thumb": 7, "right_thumb": 8, "left_shoulder": 9, "right_shoulder": 10, "dpad_up": 11,
    "dpad_down": 12, "dpad_left": 13, "dpad_right": 14, "misc1": 15, "paddle1": 16,
    "paddle2": 17, "paddle3": 18, "paddle4": 19, "touchpad": 20,
}  # fmt: skip
"""SDL's numbers of buttons."""
BY_LABEL = BY_POSITION | {"east": 0, "south": 1, "north": 2, "west": 3}
"""The same where a number says what stands on a button, A B X Y, on pads with A at the right."""
TYPES = {Kind.PICTURE: 0, Kind.BUTTON: 2, Kind.STICK: 5, Kind.TRIGGER: 6, Kind.DPAD: 8}
PLAYER = 7
DIRECTIONS = {Fill.UP: 1, Fill.DOWN: 2, Fill.LEFT: 3, Fill.RIGHT: 4}
ABOVE = {Kind.PICTURE: 0, Kind.STICK: 2}
"""Layers; what is not named is on layer 1."""


def write(template: Template, folder: Path, players: bool = False) -> None:
    """Write both files; what lies there is overwritten.

    Args:
        template: Whose looks.
        folder: Made if it is not there.
        players: Whether the guide button is one that shows a player's number.
    """
    facts, atlas = preset(template, players)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAMES[0]).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    Image.fromarray(atlas).save(folder / NAMES[1], optimize=True)


def preset(template: Template, players: bool = False) -> tuple[dict[str, Any], Picture]:
    """What is written: the JSON's object, and the picture ``h x w x 4``."""
    strips = [_strip(element, players) for element in template.elements]
    places, atlas = _packed(strips)
    codes = BY_LABEL if template.facts.get("codes") == "label" else BY_POSITION
    elements = [
        _entry(element, place, codes, players)
        for element, place in zip(template.elements, places, strict=True)
    ]
    facts: dict[str, Any] = {
        "default_width": 0,
        "default_height": 0,
        "space_h": 0,
        "space_v": 0,
        "overlay_width": template.width,
        "overlay_height": template.height,
        "flags": 3 if template.stick("left") else 0,
        "elements": elements,
        "nitropilot": {
            "name": template.name,
            "family": template.family,
            "codes": template.facts.get("codes", "position"),
            "style": template.facts.get("style", "opaque"),
            "partial": "partial" in template.facts,
            "source": template.facts.get("source", ""),
        },
    }
    return facts, atlas


def _entry(
    element: Element, place: tuple[int, int], codes: dict[str, int], players: bool
) -> dict[str, Any]:
    width, height = element.size
    facts: dict[str, Any] = {
        "id": element.ident or element.name,
        "type": PLAYER if _shows_player(element, players) else TYPES[element.kind],
        "mapping": [*place, width, height],
        "pos": [round(element.x), round(element.y)],
        "z_level": ABOVE.get(element.kind, 1),
    }
    if element.kind is Kind.BUTTON and not _shows_player(element, players):
        facts["code"] = codes[element.name]
    elif element.kind is Kind.STICK:
        facts |= {"side": SIDES.index(element.name), "stick_radius": round(element.radius)}
    elif element.kind is Kind.TRIGGER:
        facts |= {"side": SIDES.index(element.name), "trigger_mode": element.fill is None}
        facts["direction"] = DIRECTIONS[element.fill or Fill.UP]
    return facts


def _shows_player(element: Element, players: bool) -> bool:
    return players and element.kind is Kind.BUTTON and element.name == "guide"


def _strip(element: Element, players: bool) -> Picture:
    """All looks of an element as they lie in the atlas: side by side, or one below the other."""
    looks = list(element.looks)
    if _shows_player(element, players):
        up, down = looks
        # Players two to four are lit on the other sides.
        looks = [up, *(np.rot90(up, -turns) for turns in (1, 2, 3)), down]
    beside = element.kind is Kind.DPAD or len(looks) > 2
    axis = 1 if beside else 0
    spread = [(0, 0), (0, 0), (0, 0)]
    spread[axis] = (0, GAP)
    whole = np.concatenate([np.pad(look, spread) for look in looks], axis=axis)
    return whole[:, :-GAP] if beside else whole[:-GAP]


def _packed(strips: list[Picture]) -> tuple[list[tuple[int, int]], Picture]:
    """Lay pictures out in shelves, the highest first; where each is, and all."""
    width = max(strip.shape[1] for strip in strips) + 2 * GAP
    places = [(0, 0)] * len(strips)
    x, y, shelf = GAP, GAP, 0
    for index in sorted(range(len(strips)), key=lambda i: (-strips[i].shape[0], i)):
        high, wide = strips[index].shape[:2]
        if x + wide + GAP > width:
            x, y, shelf = GAP, y + shelf + GAP, 0
        places[index] = (x, y)
        x, shelf = x + wide + GAP, max(shelf, high)
    atlas = np.zeros((y + shelf + GAP, width, 4), np.uint8)
    for strip, (left, top) in zip(strips, places, strict=True):
        high, wide = strip.shape[:2]
        atlas[top : top + high, left : left + wide] = strip
    return places, atlas
