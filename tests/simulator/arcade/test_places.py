"""What a game says is where: held against what is seen there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nitropilot.simulator.arcade.core.places import Kind, Place, around, chart
from nitropilot.simulator.arcade.game import Game, painter_of, places_of
from nitropilot.simulator.arcade.paint.texture import blank, pixels_of
from nitropilot.simulator.arcade.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.simulator.arcade.core.world import World


def _without_a_foe(world: Any) -> None:
    foe = next(foe for foe in world.foes if not foe.portal)
    world.foes.remove(foe)


def _without_a_slime(world: Any) -> None:
    seen = [slime for slime in world.slimes if 0 < slime.x - world.x < 150 * 256]
    seen[0].alive = False


def _without_a_car(world: Any) -> None:
    world.cars.remove(min(world.cars, key=lambda car: abs(car.place - world.place - 60 * 256)))


def _without_a_note(world: Any) -> None:
    seen = [note for note in world.open if 60 * 256 < world.above(note) < 180 * 256]
    world.open.remove(seen[0])


def _with_the_next_gem(world: Any) -> None:
    world.taken += 1


GONE: dict[str, tuple[Kind, int, Callable[[World], None]]] = {
    "runner": (Kind.DANGER, 2, _without_a_slime),
    "arena": (Kind.DANGER, 0, _without_a_foe),
    "maze": (Kind.GOOD, 1, _with_the_next_gem),
    "road": (Kind.DANGER, 0, _without_a_car),
    "pulse": (Kind.GOOD, 0, _without_a_note),
}


def _moment(name: str, level: int, change: Callable[[World], None]) -> tuple[Game, World]:
    """A game at a moment at which there is something to take away, and its world without that."""
    game = Game(name)
    game.reset(11, level)
    while True:
        assert not game.over, "there was nothing to take away"
        twin = game.world.clone()
        try:
            change(twin)
        except (IndexError, StopIteration):
            game.step(game.expert())
            continue
        if game.world.tick >= 60:
            return game, twin
        game.step(game.expert())


@pytest.mark.parametrize("name", RULES)
def test_what_is_taken_away_was_where_it_was_said_to_be(name: str) -> None:
    """A chart that points beside things teaches an eye to look beside them."""
    kind, level, change = GONE[name]
    game, twin = _moment(name, level, change)
    painter, canvas = painter_of(name, game.world), blank(256, 256, (0, 0, 0))
    pictures, told = [], []
    for world in (game.world, twin):
        painter.paint(canvas, world)
        pictures.append(pixels_of(canvas).copy())
        told.append({place for place in places_of(name, world) if place.kind is kind})
    (left, top, right, bottom), *more = (place[1:] for place in told[0] - told[1])
    assert not more, "one thing was taken away"
    changed = np.abs(pictures[0].astype(int) - pictures[1]).max(axis=2) > 40
    changed[:18] = False  # the bar of the rungs tells it too
    inside = changed[max(int(top), 0) : int(bottom) + 1, max(int(left), 0) : int(right) + 1]
    assert inside.mean() > 0.3
    rows, columns = np.nonzero(changed)
    if name != "maze":  # where another gem shines instead
        assert abs(np.median(columns) - (left + right) / 2) < 12
        assert abs(np.median(rows) - (top + bottom) / 2) < 16


@pytest.mark.parametrize("name", ["arena", "maze"])
def test_the_player_is_where_it_is_said_to_be(name: str) -> None:
    """Moved, it is seen elsewhere; what else has changed is little: an aim, a light."""
    game = Game(name)
    game.reset(5, 0)
    here = next(place for place in places_of(name, game.world) if place.kind is Kind.SELF)
    before = game.draw().astype(int)
    game.world.nudge(25, 0) if name == "arena" else game.world.nudge(8, 8)
    then = next(place for place in places_of(name, game.world) if place.kind is Kind.SELF)
    assert then[1:] != here[1:]
    changed = np.abs(game.draw() - before).max(axis=2) > 40
    left, top = (int(min(here[side], then[side])) - 10 for side in (1, 2))
    right, bottom = (int(max(here[side], then[side])) + 10 for side in (3, 4))
    assert changed[top:bottom, left:right].sum() > 0.8 * changed.sum() > 0


def test_the_way_through_a_maze_is_the_scripts() -> None:
    """It begins at the player, ends at the gem, and meets no wall."""
    game = Game("maze")
    for seed in range(5):
        game.reset(seed, 2)
        found = game.places(64)
        way = found[Kind.WAY]
        assert (way & found[Kind.SELF]).any()
        assert (way & found[Kind.GOOD]).any()
        assert not (way & found[Kind.SOLID]).any()


def test_a_chart_marks_the_cells_whose_middles_a_box_holds() -> None:
    """And of a box that holds none the one in which it lies; beyond the picture nothing."""
    found = chart(
        [
            Place(Kind.SOLID, 0, 16, 255, 32),
            around(Kind.SELF, 100, 200, 2),
            Place(Kind.DANGER, -50, 240, 9, 400),
            around(Kind.GOOD, 300, 10, 20),
        ],
        16,
    )
    assert found.shape == (len(Kind), 16, 16)
    assert np.argwhere(found[Kind.SOLID]).tolist() == [[1, column] for column in range(16)]
    assert np.argwhere(found[Kind.SELF]).tolist() == [[12, 6]]
    assert np.argwhere(found[Kind.DANGER]).tolist() == [[15, 0]]
    assert not found[Kind.GOOD].any()
    assert not found[Kind.WAY].any()
