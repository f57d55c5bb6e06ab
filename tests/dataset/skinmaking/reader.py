"""A second reader of presets, for tests: as short as the plugin's rules allow, without checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import nitropilot.dataset
from nitropilot.dataset.pad import SIDES
from nitropilot.dataset.templates.template import Element, Fill, Kind, Template

SKINS = Path(nitropilot.dataset.__file__).parent / "skins"
GAP = 3
CODES = (
    "south", "east", "west", "north", "back", "guide", "start", "left_thumb", "right_thumb",
    "left_shoulder", "right_shoulder", "dpad_up", "dpad_down", "dpad_left", "dpad_right", "misc1",
    "paddle1", "paddle2", "paddle3", "paddle4", "touchpad",
)  # fmt: skip
LABELS = {0: "east", 1: "south", 2: "north", 3: "west"}


def shipped(name: str) -> Template:
    """A skin that comes along."""
    facts = json.loads((SKINS / name / "preset.json").read_text(encoding="utf-8"))
    atlas = np.asarray(Image.open(SKINS / name / "atlas.png").convert("RGBA"))
    ours = facts["nitropilot"]
    entries = sorted(facts["elements"], key=lambda entry: entry["z_level"])
    elements = tuple(_element(entry, atlas, ours["codes"]) for entry in entries)
    size = facts["overlay_width"], facts["overlay_height"]
    return Template(ours["name"], *size, elements, ours["family"])


def _element(entry: dict[str, Any], atlas: NDArray[np.uint8], codes: str) -> Element:
    u, v, w, h = entry["mapping"]
    x, y = entry["pos"]

    def look(right: int, down: int) -> NDArray[np.uint8]:
        left, top = u + right * (w + GAP), v + down * (h + GAP)
        cut = atlas[top : top + h, left : left + w]
        assert cut.shape == (h, w, 4), entry
        return cut

    below = (look(0, 0), look(0, 1) if entry["type"] in (2, 5, 6) else look(0, 0))
    if entry["type"] == 0:
        return Element(Kind.PICTURE, "body", x, y, below[:1])
    if entry["type"] == 2:
        name = CODES[entry["code"]]
        if codes == "label":
            name = LABELS.get(entry["code"], name)
        return Element(Kind.BUTTON, name, x, y, below)
    if entry["type"] == 5:
        return Element(Kind.STICK, SIDES[entry["side"]], x, y, below, entry["stick_radius"])
    if entry["type"] == 6:
        fill = None if entry["trigger_mode"] else list(Fill)[entry["direction"] - 1]
        return Element(Kind.TRIGGER, SIDES[entry["side"]], x, y, below, fill=fill)
    if entry["type"] == 7:
        return Element(Kind.BUTTON, "guide", x, y, (look(0, 0), look(4, 0)))
    return Element(Kind.DPAD, "dpad", x, y, tuple(look(index, 0) for index in range(9)))
