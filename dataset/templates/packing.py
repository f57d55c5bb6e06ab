"""Elements drawn by us as a preset: sprites side by side in one picture, as the plugin has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.dataset.templates.entry import PITCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Drawn:
    """One element.

    Attributes:
        ident: Its name in the preset.
        kind: The plugin's number of its kind.
        x: Where its upper left corner is on the canvas.
        y: The same.
        looks: ``h x w x 4`` each, below each other in the atlas.
        values: What else its kind has: code, side, direction, ...
    """

    ident: str
    kind: int
    x: int
    y: int
    looks: tuple[Picture, ...]
    values: dict[str, Any] = field(default_factory=dict)


def packed(
    drawn: Sequence[Drawn], width: int, height: int, ours: dict[str, Any]
) -> tuple[dict[str, Any], Picture]:
    """A preset and its atlas.

    Args:
        drawn: In the order in which they are drawn.
        width: Of the canvas.
        height: The same.
        ours: What the preset says to us.
    """
    wide = max(each.looks[0].shape[1] for each in drawn)
    places: list[tuple[int, int]] = []
    left = top = below = 0
    for each in drawn:
        h, w = each.looks[0].shape[:2]
        if left and left + w > wide:
            left, top = 0, below
        places.append((left, top))
        left += w + PITCH
        below = max(below, top + len(each.looks) * (h + PITCH))
    atlas = np.zeros((below, wide, 4), np.uint8)
    elements: list[dict[str, Any]] = []
    for each, (u, v) in zip(drawn, places, strict=True):
        h, w = each.looks[0].shape[:2]
        for number, look in enumerate(each.looks):
            y = v + number * (h + PITCH)
            atlas[y : y + h, u : u + w] = look
        elements.append({
            "type": each.kind, "id": each.ident, "pos": [each.x, each.y],
            "mapping": [u, v, w, h], "z_level": len(elements), **each.values,
        })  # fmt: skip
    preset = {
        "default_width": 0, "default_height": 0, "space_h": 0, "space_v": 0, "flags": 6,
        "overlay_width": width, "overlay_height": height, "elements": elements, "nitropilot": ours,
    }  # fmt: skip
    return preset, atlas
