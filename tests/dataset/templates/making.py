"""A small preset of our own, drawn here: every sprite has a colour that no other has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.dataset.templates.pictures import png_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 48
ATLAS = (200, 100)
"""Width and height of the picture."""
PITCH = 3
FACES = {0: (46, 32), 1: (54, 24), 2: (38, 24), 3: (46, 16)}
"""Where the face buttons are, by SDL's numbers."""


class Making:
    """Puts elements side by side into an atlas."""

    def __init__(self) -> None:
        self.atlas: NDArray[np.uint8] = np.zeros((ATLAS[1], ATLAS[0], 4), np.uint8)
        self.elements: list[dict[str, Any]] = []
        self.left = WIDTH + 1

    def colour(self, look: int) -> tuple[int, int, int, int]:
        """Of a look of the element that is being added."""
        return (40 + 10 * len(self.elements), 250 - 25 * look, 30 * look, 255)

    def add(
        self, kind: int, size: tuple[int, int], pos: tuple[int, int], down: int = 1, right: int = 1,
        **values: Any,
    ) -> None:  # fmt: skip
        """One more element with so many looks below each other and side by side."""
        width, height = size
        left, top = self.left, 0
        if right > 1:
            left, top = 0, HEIGHT + 2 + 10 * sum(each["type"] in (7, 8) for each in self.elements)
        for look in range(down * right):
            x = left + (width + PITCH) * (look if right > 1 else 0)
            y = top + (height + PITCH) * (look if down > 1 else 0)
            self.atlas[y : y + height, x : x + width] = self.colour(look)
        if right == 1:
            self.left += width + PITCH
        entry = {"type": kind, "id": f"e{len(self.elements)}", "pos": list(pos), "z_level": "1"}
        self.elements.append({**entry, "mapping": [left, top, width, height], **values})


def made() -> Making:
    """A pad with one of each kind."""
    making = Making()
    making.atlas[:HEIGHT, :WIDTH] = (90, 90, 90, 255)
    making.elements.append(
        {"type": 0, "id": "body", "pos": [0, 0], "mapping": [0, 0, WIDTH, HEIGHT], "z_level": 0}
    )
    for code, pos in FACES.items():
        making.add(2, (6, 6), pos, down=2, code=code)
    making.add(2, (8, 4), (4, 8), down=2, code=9)
    making.add(2, (4, 4), (30, 40), down=2, code=20)
    making.add(5, (8, 8), (8, 30), down=2, side=0, stick_radius=3)
    making.add(5, (8, 8), (28, 30), down=2, side=1, stick_radius=4)
    making.add(6, (10, 5), (2, 1), down=2, side=0, direction=1)
    making.add(6, (10, 5), (50, 1), down=2, side=1, trigger_mode=True)
    making.add(7, (5, 5), (28, 10), right=5)
    making.add(8, (9, 7), (8, 16), right=9)
    return making


def write(folder: Path, making: Making, stem: str = "pad", **more: Any) -> tuple[Path, Path]:
    """The two files of a preset."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"overlay_width": WIDTH, "overlay_height": HEIGHT, "flags": 6}
    whole |= {"elements": making.elements, **more}
    path, atlas = folder / f"{stem}.json", folder / f"{stem}.png"
    path.write_text(json.dumps(whole), encoding="utf-8")
    atlas.write_bytes(png_of(making.atlas))
    return path, atlas
