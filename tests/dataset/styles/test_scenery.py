"""Scenes show a controller where they say, and none where they say none."""

from itertools import islice

import numpy as np
import pytest

from nitropilot.dataset.looks.making import pad_of
from nitropilot.dataset.styles.films import Shelf
from nitropilot.dataset.styles.huds import any_hud
from nitropilot.dataset.styles.sample import Scene
from nitropilot.dataset.styles.scenery import FRAMES, any_scene
from nitropilot.dataset.styles.stream import scenes
from nitropilot.dataset.synth.states import states

SIZE = (90, 160)


@pytest.fixture(scope="module")
def some() -> list[Scene]:
    return list(islice(scenes(5, size=SIZE), 16))


def test_scenes_are_of_their_kind(some: list[Scene]) -> None:
    for scene in some:
        assert scene.pictures.dtype == np.uint8
        assert scene.pictures.shape[1:] == (*SIZE, 3)
        assert FRAMES[0] <= len(scene.pictures) <= FRAMES[1]
        if scene.box is not None:
            assert scene.box == scene.box.inside(SIZE[1], SIZE[0])
            assert scene.box.width >= 60 * SIZE[1] / 640 - 2


def test_some_show_no_controller(some: list[Scene]) -> None:
    """A detector that never saw a game without one finds one in every map."""
    without = sum(scene.box is None for scene in some)
    assert 2 <= without <= 9


def test_a_seed_gives_the_same_scenes(some: list[Scene]) -> None:
    again = next(iter(scenes(5, size=SIZE)))
    assert again.box == some[0].box
    np.testing.assert_array_equal(again.pictures, some[0].pictures)
    other = next(iter(scenes(5, worker=1, workers=2, size=SIZE)))
    assert other.style != some[0].style


def test_the_controller_is_in_its_box() -> None:
    """A box that is off by a little is a controller that is cut off."""
    pad = next(p for p in map(pad_of, range(99)) if p.filled and p.facts["build"] == "panel")
    played = states(np.random.default_rng(0), 4, 30)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scene = any_scene(pad, Shelf((1,), 2), played, rng, SIZE)
        if scene.opaque:
            break
    box = scene.box
    assert box is not None
    varies = scene.pictures.astype(float).std(axis=0).mean(axis=2)
    inside = varies[box.top + 3 : box.bottom - 3, box.left + 3 : box.right - 3]
    outside = np.ones(SIZE, bool)
    outside[box.top : box.bottom, box.left : box.right] = False
    assert np.median(inside) * 2 < np.median(varies[outside])


def test_games_draw_things_that_look_like_one() -> None:
    """Nothing to take for a controller teaches nothing; what moves differs from time to time."""
    moving = 0
    for seed in range(30):
        hud = any_hud(np.random.default_rng(seed), 160, 90)
        pictures = []
        for time in (10, 437):
            picture = np.full((90, 160, 3), 90, np.uint8)
            for draw in hud:
                draw(picture, time)
            pictures.append(picture)
        assert len(hud) == 0 or (pictures[0] != 90).any()
        moving += bool((pictures[0] != pictures[1]).any())
    assert moving > 12
