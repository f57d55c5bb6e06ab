"""A SuperTux level of our own for tests: flat, long, no enemies, nothing that moves.

The real levels have enemies near the start, which end a test that walks for seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent.errors import LaunchFailed
from nitropilot.simulator.games.recipes import find_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent import Recipe

SMALL = "400x300"
"""A quarter of the usual window: where there is no card, the processor draws it."""
WIDTH, HEIGHT, GROUND_ROW = 600, 20, 13
SNOW_TOP, SNOW = (7, 8, 9), 11
"""Tile numbers of SuperTux's snow ground: three of its surface, one below it."""
LANDMARK_EVERY = 5
LANDMARK_TILES = (47, 48, 49)

_LEVEL = """(supertux-level
  (version 3)
  (name "NitroPilot test track")
  (author "NitroPilot")
  (license "MIT")
  (sector
    (name "main")
    (gravity 10)
    (spawnpoint (name "main") (x 320) (y 320))
    (camera (mode "normal"))
    (gradient (top_color 0.3 0.5 0.9) (bottom_color 0.8 0.9 1))
    (tilemap (solid #t) (z-pos 0) (width {width}) (height {height}) (tiles {solid}))
    (tilemap (solid #f) (z-pos -50) (width {width}) (height {height}) (tiles {scenery}))
  )
)
"""


def flat_level(folder: Path) -> Path:
    """Write the level into ``folder`` and return its path."""
    path = folder / "track.stl"
    level = _LEVEL.format(width=WIDTH, height=HEIGHT, solid=_ground(), scenery=_landmarks())
    path.write_text(level, encoding="ascii")
    return path


def flat_recipe(folder: Path) -> Recipe:
    """How to start SuperTux in the flat level; skips the test where it is not installed."""
    try:
        recipe = find_recipe("supertux")
    except LaunchFailed as error:
        pytest.skip(f"{error}; {error.hint}")
    words = [SMALL if word == "800x600" else word for word in recipe.arguments[:-1]]
    return replace(recipe, arguments=(*words, str(flat_level(folder))))


def _ground() -> str:
    rows = []
    for row in range(HEIGHT):
        if row < GROUND_ROW:
            rows.append(["0"] * WIDTH)
        elif row == GROUND_ROW:
            rows.append([str(SNOW_TOP[x % 3]) for x in range(WIDTH)])
        else:
            rows.append([str(SNOW)] * WIDTH)
    return "\n".join(" ".join(row) for row in rows)


def _landmarks() -> str:
    """Columns of blocks behind the figure, so that every scroll can be seen."""
    rows = []
    for row in range(HEIGHT):
        tall = [3 + (x * 7 // LANDMARK_EVERY) % 6 for x in range(WIDTH)]
        rows.append(
            [
                str(LANDMARK_TILES[x % 3])
                if x % LANDMARK_EVERY == 0 and GROUND_ROW - tall[x] <= row < GROUND_ROW
                else "0"
                for x in range(WIDTH)
            ]
        )
    return "\n".join(" ".join(row) for row in rows)
