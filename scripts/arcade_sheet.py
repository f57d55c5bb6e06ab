"""Draw the arcade's picture of the docs: ``python -m scripts.arcade_sheet FILE.png``.

Every game once or twice, as its expert plays it, with the pad that it presses.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from nitropilot.agent.record.drawing import draw_pad
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.tasks import TASKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOTS = (
    ("runner-3", 5, 190), ("road-2", 2, 520), ("maze-2", 4, 150),
    ("arena-3", 1, 190), ("pulse-3", 4, 420), ("runner-2", 8, 330),
)  # fmt: skip
"""Task, seed, tick."""
COLUMNS, SCALE, GAP = 3, 2, 6


def shot(name: str, seed: int, ticks: int) -> NDArray[np.uint8]:
    """One picture, twice as large, with the pad on it."""
    task = TASKS[name]
    game = Game(task.rules.name)
    game.reset(seed, task.level)
    state = game.expert()
    for _ in range(ticks):
        state = game.expert()
        game.step(state)
    large = np.repeat(np.repeat(game.draw(), SCALE, 0), SCALE, 1)
    draw_pad(large, state)
    return large


def sheet() -> NDArray[np.uint8]:
    """All pictures in rows."""
    edge = (GAP // 2, GAP // 2)
    tiles = [np.pad(shot(*each), (edge, edge, (0, 0)), constant_values=255) for each in SHOTS]
    rows = [np.hstack(tiles[at : at + COLUMNS]) for at in range(0, len(tiles), COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def main(words: list[Any]) -> None:
    """Write it, in 256 colours, so that it is small."""
    picture = Image.fromarray(sheet())
    few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(words[0], optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
