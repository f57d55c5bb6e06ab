"""The scripts play levels, and are asked again and again what they would press.

A sample is a picture, what is where in it, and the script's next actions from there, planned on a
copy of the world: so in a burst of foreign input, too, what is taught is what the script would do
(DART, Laskey et al. 2017), and not what was pressed.  Levels that the script does not win teach
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.pocket.recipe import TICKS_BETWEEN
from nitropilot.pocket.samples.actions import bytes_of, plan
from nitropilot.pocket.samples.charts import BYTES, chart_of
from nitropilot.pocket.samples.pool import Samples
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.game import LEVELS, Game
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.demonstrations.bursts import Bursts
from nitropilot.simulator.demonstrations.levels import FIRST_LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

RECORDING = 11
"""Stream of random numbers; see ``training.objective.draws``."""


def record(
    game: str,
    count: int,
    key: tuple[int, ...],
    size: int,
    horizon: int,
    noisy: float,
    tell: Callable[[int], None] = lambda _done: None,
) -> Samples:
    """So many samples of a game; its three levels of difficulty take turns.

    Args:
        game: "runner", ...
        count: N.
        key: Seed and whatever tells this recording from others.
        size: Side S of a picture in pixels.
        horizon: T actions of a sample.
        noisy: Share of the levels with bursts of foreign input.
        tell: Is told how many there are.

    Returns:
        N samples.
    """
    samples = Samples(
        np.empty((count, size, size, 3), np.uint8),
        np.empty((count, BYTES), np.uint8),
        np.empty((count, horizon, 25), np.uint8),
    )
    done, number = 0, 0
    while done < count:
        rng = np.random.default_rng((*key, RECORDING, number))
        seed = FIRST_LEVEL + int(rng.integers(2**30))
        bursts = Bursts(rng) if rng.random() < noisy else None
        found = list(_level(game, seed, number % LEVELS, bursts, size, horizon))
        for sample in found[: count - done]:
            for kept, array in zip(samples, sample, strict=True):
                kept[done] = array
            done += 1
        number += 1
        tell(done)
    return samples


def _level(
    name: str, seed: int, level: int, bursts: Bursts | None, size: int, horizon: int
) -> Iterator[tuple[NDArray[np.uint8], ...]]:
    """The samples of a level; none if the script does not win it."""
    game = Game(name)
    game.reset(seed, level)
    limit = TASKS[f"{name}-{level + 1}"].ticks
    found: list[tuple[NDArray[np.uint8], ...]] = []
    while not game.over and game.world.tick < limit:
        if game.world.tick % TICKS_BETWEEN == 0:
            planned = plan(game.rules, game.world, horizon)
            found.append((game.draw(size), chart_of(name, game.world), bytes_of(planned)))
        other = bursts.next() if bursts is not None else None
        game.step(game.expert() if other is None else other)
    if _won(game):
        yield from found


def _won(game: Game) -> bool:
    return game.outcome is Outcome.WON
