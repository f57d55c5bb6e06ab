"""The rules of each game: what wins, what loses, what must not be possible."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from nitropilot.simulator.arcade.core.numbers import ONE, apart, share, towards
from nitropilot.simulator.arcade.core.pad import Pad, pad
from nitropilot.simulator.arcade.core.world import Outcome, World
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.games.arena.world import HEARTS, ArenaWorld
from nitropilot.simulator.arcade.games.maze.level import maze
from nitropilot.simulator.arcade.games.maze.world import BOARD, MARGIN, MazeWorld
from nitropilot.simulator.arcade.games.pulse.level import song
from nitropilot.simulator.arcade.games.pulse.world import BUTTONS, ENERGY, PulseWorld
from nitropilot.simulator.arcade.games.road.level import track
from nitropilot.simulator.arcade.games.road.world import FASTEST, ON_GRASS, RoadWorld
from nitropilot.simulator.arcade.games.runner.level import FLOOR, course
from nitropilot.simulator.arcade.games.runner.world import WALK, RunnerWorld
from nitropilot.simulator.arcade.paint.sky import SKY

RIGHT = GamepadState(left=(1.0, 0.0))
LEFT = GamepadState(left=(-1.0, 0.0))
JUMP = GamepadState(buttons=Button.A)
GAS = GamepadState(right_trigger=1.0)


def steps(world: World, state: GamepadState, ticks: int) -> None:
    """Hold the pad for a while."""
    for _ in range(ticks):
        world.step(pad(state))


def test_numbers_are_alike_on_both_sides() -> None:
    """Rounding that prefers one side makes a game that pulls to it."""
    assert share(-7, 1, 2) == -share(7, 1, 2) == -3
    assert towards(-300, 400, 50) == (-30, 40)
    assert towards(0, 0, 50) == (0, 0)
    assert apart(30, -40) == 50


def test_the_stick_walks_and_its_rest_does_not() -> None:
    """A pad at rest that drifts would make every frozen picture different."""
    world = RunnerWorld.stroll()
    start = world.x
    steps(world, GamepadState(left=(0.1, 0.0)), 10)
    assert world.x == start
    steps(world, RIGHT, 10)
    assert world.x == start + 10 * WALK
    steps(world, LEFT, 1)
    assert world.x == start + 9 * WALK


def test_a_jump_goes_up_and_comes_down_again() -> None:
    """A jump that can be repeated in the air flies away."""
    world = RunnerWorld.stroll()
    heights = []
    for tick in range(120):
        world.step(pad(JUMP if tick < 5 or 20 < tick < 25 else NEUTRAL))
        heights.append(FLOOR - world.y // ONE)
    assert 50 < max(heights) < 60
    assert heights[-1] == 0
    assert world.standing


def test_a_stroll_stands_still_and_has_no_end() -> None:
    """What tries a pad compares pictures: none may move by itself, and no wall may be met."""
    game = Game("runner")
    game.start(RunnerWorld.stroll())
    first = game.draw()
    near = np.abs(first.astype(np.int64) - np.array(SKY)).max(axis=2) <= 8
    assert near.mean() > 0.2, "doctor looks for the colour of its sky"
    steps(game.world, NEUTRAL, 200)
    assert np.array_equal(first, game.draw())
    steps(game.world, RIGHT, 15)
    assert (first != game.draw()).any(axis=2).mean() > 0.1
    for state in (RIGHT, LEFT):
        before = game.world.state()["x"]
        steps(game.world, state, 3000)
        assert abs(game.world.state()["x"] - before) == 6000
    assert game.outcome is Outcome.PLAYING


@pytest.mark.parametrize("level", [0, 1, 2])
def test_who_only_runs_does_not_get_far(level: int) -> None:
    """A course without hurdles teaches nothing."""
    for seed in range(10):
        world = RunnerWorld.new(seed, level)
        steps(world, RIGHT, 600)
        assert world.progress <= 0.3
        assert world.outcome is not Outcome.WON


def test_a_fall_and_spikes_lose() -> None:
    """A hurdle that does not hurt is decoration."""
    world = RunnerWorld.new(0, 0)
    pit = next(
        (one.right, other.left)
        for one, other in zip(world.course.grounds, world.course.grounds[1:], strict=False)
        if other.left > one.right
    )
    world.x, world.y, world.standing = (pit[0] + pit[1]) // 2 * ONE, FLOOR * ONE, False
    steps(world, NEUTRAL, 120)
    assert world.outcome is Outcome.LOST
    world = next(world for seed in range(20) if (world := RunnerWorld.new(seed, 0)).course.spikes)
    spikes = world.course.spikes[0]
    world.x, world.y = (spikes.left - 30) * ONE, spikes.top * ONE
    steps(world, RIGHT, 20)
    assert world.outcome is Outcome.LOST


def test_a_slime_is_stomped_from_above_only() -> None:
    """The same touch must not both win and lose."""
    start = next(world for seed in range(20) if (world := RunnerWorld.new(seed, 1)).slimes)
    for height, outcome in ((30, Outcome.PLAYING), (0, Outcome.LOST)):
        world = start.clone()
        slime = world.slimes[0]
        world.x, world.y, world.standing = slime.x, (slime.top - height) * ONE, height == 0
        steps(world, NEUTRAL, 20)
        assert world.outcome is outcome
        assert slime.alive is (outcome is Outcome.LOST)


def test_courses_differ_and_can_be_looked_ahead() -> None:
    """Few levels are learned by heart."""
    courses = [course(level, seed) for level in range(3) for seed in range(50)]
    assert len(set(courses)) == 150
    for made in courses:
        gaps = [b - a for a, b in zip(made.rungs, made.rungs[1:], strict=False)]
        assert min(gaps) >= 80


def test_gas_brake_and_grass() -> None:
    """A car that drives by itself, or as fast beside the road, needs no driver."""
    world = RoadWorld.new(0, 0)
    steps(world, NEUTRAL, 60)
    assert world.place == 0
    steps(world, GAS, 90)
    assert world.speed == FASTEST
    steps(world, GamepadState(left_trigger=1.0), 20)
    assert world.speed < FASTEST // 2
    world.cars = []
    world.x = 150 * ONE
    steps(world, GAS, 120)
    assert world.on_grass
    assert world.speed <= ON_GRASS + 10


def test_a_bend_carries_outwards() -> None:
    """Otherwise bends are only drawn."""
    world = RoadWorld.new(0, 2)
    world.cars = []
    bend = next(i for i, value in enumerate(world.track.bends) if value > 100)
    world.place, world.speed = bend * 64 * ONE, FASTEST
    world.step(pad(GAS))
    assert world.x < 0


def test_a_car_that_is_hit_ends_the_drive() -> None:
    """And one in the next lane does not."""
    for aside, outcome in ((0, Outcome.LOST), (74, Outcome.PLAYING)):
        world = RoadWorld.new(0, 0)
        world.cars = world.cars[:1]
        world.cars[0].x = aside
        world.speed = FASTEST
        steps(world, GAS, 240)
        assert world.outcome is outcome
        assert world.passed == (outcome is Outcome.PLAYING)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_each_row_leaves_a_lane(level: int) -> None:
    """A road that is closed cannot be driven."""
    for seed in range(50):
        made = track(level, seed)
        for row in range(made.rows):
            assert 1 <= len({each.x for each in made.traffic if each.row == row}) <= 2


def test_all_cells_of_a_maze_are_reached() -> None:
    """A gem behind walls cannot be taken."""
    for level in range(3):
        for seed in range(30):
            made = maze(level, seed)
            assert len(made.distances(made.start)) == made.side**2
            assert len(set(made.goals)) == len(made.goals)


def test_walls_hold() -> None:
    """Who can walk through walls needs no way."""
    world = MazeWorld.new(3, 2)
    rng = np.random.RandomState(1)
    for _ in range(4000):
        before = world.cell
        x, y = (int(value) for value in rng.randint(-256, 257, 2))
        world.advance(Pad(x=x, y=y))
        after = world.cell
        assert after == before or world.maze.open(before, after)
        assert MARGIN * ONE <= world.x <= BOARD * ONE - MARGIN * ONE
        assert MARGIN * ONE <= world.y <= BOARD * ONE - MARGIN * ONE


def test_who_pushes_at_a_corner_slides_round_it() -> None:
    """Otherwise some pixels decide, and a policy hangs at every corner."""
    world = MazeWorld.new(3, 0)
    cell = next(
        (x, y)
        for x in range(4)
        for y in range(1, 5)
        if world.maze.open((x, y), (x + 1, y)) and world.maze.open((x, y), (x, y - 1))
    )
    world.x, world.y = world.middle(cell)
    world.y -= world.size // 2 - 6 * ONE  # in the way upwards, where there is no way to the right
    steps(world, RIGHT, 40)
    assert world.cell == (cell[0] + 1, cell[1])


def test_the_gate_opens_after_the_last_gem() -> None:
    """Gems that can be left out are none."""
    world = MazeWorld.new(0, 0)
    gate = world.middle(world.maze.goals[-1])
    world.x, world.y = gate
    world.step(pad(NEUTRAL))
    assert world.outcome is Outcome.PLAYING
    for number in range(len(world.maze.goals)):
        assert world.taken == number
        world.x, world.y = world.middle(world.goal)
        world.step(pad(NEUTRAL))
    assert world.outcome is Outcome.WON


def test_three_touches_lose() -> None:
    """And not one that goes on for three ticks."""
    world = ArenaWorld.new(0, 0)
    seen = [world.hearts]
    while world.outcome is Outcome.PLAYING:
        world.step(pad(NEUTRAL))
        seen.append(world.hearts)
    assert world.outcome is Outcome.LOST
    hits = [tick for tick in range(1, len(seen)) if seen[tick] < seen[tick - 1]]
    assert len(hits) == HEARTS
    assert min(b - a for a, b in itertools.pairwise(hits)) >= 60


def test_shots_go_where_the_right_stick_points() -> None:
    """Both sticks at once is what a pad is for."""
    world = ArenaWorld.new(0, 0)
    world.step(pad(GamepadState(left=(-1.0, 0.0), right=(0.0, 1.0), right_trigger=1.0)))
    (bolt,) = world.bolts
    assert bolt.x_speed == 0
    assert bolt.y_speed < 0
    steps(world, GamepadState(right=(0.0, 1.0), right_trigger=1.0), 14)
    assert len(world.bolts) == 2, "a bolt each twelve ticks"


def test_who_holds_all_buttons_loses_the_song() -> None:
    """Otherwise nobody has to be in time."""
    for level in range(3):
        world = PulseWorld.new(0, level)
        steps(world, GamepadState(buttons=Button.A | Button.B | Button.X | Button.Y), 1200)
        assert world.outcome is Outcome.LOST
        assert world.hits <= 4


def test_an_early_press_waits_and_a_stray_one_counts() -> None:
    """Presses that last are what a policy learns; presses of chance must cost something."""
    for early, hits, energy in ((25, 1, ENERGY), (45, 0, ENERGY - 1)):
        world = PulseWorld.new(0, 0)
        button = BUTTONS[world.song[0].lane]
        while world.above(0) > early * ONE:
            world.step(pad(NEUTRAL))
        steps(world, GamepadState(buttons=button), 20)
        assert (world.hits, world.energy) == (hits, energy)


def test_songs_can_be_played_with_a_hand() -> None:
    """Two notes of a lane nearer than a press and a rest could only be hit by a machine."""
    for level in range(3):
        for seed in range(50):
            for lane in range(4):
                due = [note.due for note in song(level, seed) if note.lane == lane]
                assert all(b - a >= 28 for a, b in itertools.pairwise(due))
