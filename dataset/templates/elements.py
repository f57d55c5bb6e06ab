"""From an element of a preset to an ``Element``, by the rules of the plugin input-overlay.

A pressed look lies below the released one in the atlas, three pixels apart, and the nine looks of
a d-pad and the five of a player's number side by side.  Presets are made for the versions since 5;
older ones number the buttons otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.pad import SIDES
from nitropilot.dataset.templates.codes import BY_POSITION, Codes, button_of
from nitropilot.dataset.templates.template import DPAD_LOOKS, Element, Fill, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.templates.entry import Entry

TEXTURE, BUTTON, STICK, TRIGGER, PLAYER, DPAD = 0, 2, 5, 6, 7, 8
"""The plugin's kinds of elements of a gamepad."""
OTHERS = {1: "keyboard", 3: "mouse", 4: "mouse", 9: "mouse"}
"""Its other kinds, which no gamepad has."""
FILLS = {1: Fill.UP, 2: Fill.DOWN, 3: Fill.LEFT, 4: Fill.RIGHT}
PRESSED_PLAYER = 4
"""Which sprite, counted from the first, a guide button shows while it is pressed."""
WIDEST = 255
"""Of a stick's radius: the plugin keeps it in a byte."""


def element_of(entry: Entry, codes: Codes) -> Element | None:
    """One element; None for one that is no gamepad's.

    Raises:
        BadTemplate: A value is missing, is of another kind, or is out of range.
    """
    kind = entry.whole("type", 0, max(OTHERS), "0, 2, 5, 6, 7 and 8 are a gamepad's elements")
    if kind in OTHERS:
        return None
    x, y = entry.wholes("pos", 2)
    name, looks, radius, fill = "", (entry.sprite(),), 0.0, None
    if kind == BUTTON:
        hint = f"0 to {len(BY_POSITION) - 1} are a gamepad's buttons; presets for versions of the "
        hint += "plugin before 5 have others: open it in the plugin's editor and save it anew"
        name = button_of(entry.whole("code", 0, len(BY_POSITION) - 1, hint), codes)
        looks = (*looks, entry.sprite(down=1))
    elif kind == STICK:
        name = SIDES[entry.whole("side", 0, 1, "0 is left and 1 is right")]
        radius = float(entry.whole("stick_radius", 1, WIDEST))
        looks = (*looks, entry.sprite(down=1))
    elif kind == TRIGGER:
        name = SIDES[entry.whole("side", 0, 1, "0 is left and 1 is right")]
        hint = "1 is up, 2 down, 3 left and 4 right"
        if not entry.flag("trigger_mode"):
            fill = FILLS[entry.whole("direction", min(FILLS), max(FILLS), hint)]
        looks = (*looks, entry.sprite(down=1))
    elif kind == PLAYER:
        name, looks = "guide", (*looks, entry.sprite(right=PRESSED_PLAYER))
    elif kind == DPAD:
        looks = tuple(entry.sprite(right=index) for index in range(len(DPAD_LOOKS)))
    return Element(_KINDS[kind], name, x, y, looks, radius, fill, entry.ident)


_KINDS = {
    TEXTURE: Kind.PICTURE, BUTTON: Kind.BUTTON, STICK: Kind.STICK, TRIGGER: Kind.TRIGGER,
    PLAYER: Kind.BUTTON, DPAD: Kind.DPAD,
}  # fmt: skip


def as_it_shows(element: Element) -> Element:
    """What can be seen of it: where all of its looks are the same, nothing is told by them.

    A stick still moves then, if there is anything of it.
    """
    first, *others = (_seen(look) for look in element.looks)
    if element.kind is Kind.PICTURE or not all(np.array_equal(first, each) for each in others):
        return element
    if element.kind is Kind.STICK and first.any():
        return replace(element, looks=element.looks[:1])
    return replace(element, kind=Kind.PICTURE, looks=element.looks[:1], radius=0.0, fill=None)


def _seen(look: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """What is drawn of a picture: its colours count where it is not empty."""
    wide = look.astype(np.uint16)
    wide[..., :3] *= wide[..., 3:]
    return wide
