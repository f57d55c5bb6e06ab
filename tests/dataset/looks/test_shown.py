"""What is drawn of a made-up controller is what its state says, where its places say."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from nitropilot.dataset.looks.layers import COLOURS
from nitropilot.dataset.looks.look import Knob, Pad, Part, Pull, Stick
from nitropilot.dataset.looks.making import pad_of
from nitropilot.dataset.looks.raster import Ink, Raster
from nitropilot.dataset.looks.shown import Shown
from nitropilot.dataset.pad import BUTTONS, NEUTRAL, PULLED, SIDES, Moment, PadStates, states_of
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.skinmaking.shapes import circle, rounded

SIZE = 200
SHADOW = 3
"""Pixels of the canvas that it lies below a key at most."""
PADS = range(60, 84)
"""Looks of every finish and press."""


def placed(pad: Pad, turned: float = 0.0) -> NDArray[np.float64]:
    """All of it in the middle of ``SIZE`` x ``SIZE`` pixels."""
    left, top, width, height = pad.canvas
    scale = 0.8 * SIZE / max(width, height)
    matrix = Pose(scale, 0, 0, turned).matrix()
    matrix[:, 2] = SIZE / 2 - matrix[:, :2] @ (left + width / 2, top + height / 2)
    return matrix


def painted(shown: Shown, moment: Moment, lit: bool = False) -> NDArray[np.float32]:
    """``h x w x 3``: y, u and v over a middle grey."""
    planes = tuple(np.full((SIZE // step, SIZE // step), 120, np.uint8) for step in (1, 2, 2))
    assert len(planes) == 3
    shown.over(planes, states_of([moment]), 0, lit)
    y, u, v = planes
    wide = [np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1) for plane in (u, v)]
    return np.stack([y, *wide], axis=2).astype(np.float32)


def presses(pad: Pad) -> Iterator[tuple[str, Moment]]:
    """One thing after the other."""
    for part in pad.parts:
        if part.name in BUTTONS:
            yield part.name, Moment(frozenset({part.name}))
        elif part.name:
            side = SIDES.index(part.name.removesuffix("_trigger"))
            yield part.name, Moment(triggers=(1.0 - side, float(side)))


@pytest.mark.parametrize("seed", PADS)
def test_a_press_is_seen_in_its_place_and_nowhere_else(seed: int) -> None:
    """A reader learns where to look from places; light beside them would be another button's."""
    pad = pad_of(seed)
    matrix = placed(pad)
    shown = Shown(pad, matrix, SIZE, SIZE)
    neutral = painted(shown, NEUTRAL)
    parts = {part.name: part for part in pad.parts}
    raster = Raster(matrix, Box(0, 0, SIZE, SIZE))
    for name, moment in presses(pad):
        part = parts[name]
        changed = np.abs(painted(shown, moment) - neutral).max(axis=2)
        place = raster.mask([part.place]) > 0
        assert (changed[place] > 18).mean() > 0.12, f"{name} of {pad.facts} cannot be seen"
        reach = max(ink.reach for ink in (*part.neutral, *part.pressed)) + SHADOW
        near = raster.around([part.place], reach).even().within(raster.box)
        assert near is not None
        changed[near.top : near.bottom, near.left : near.right] = 0
        assert changed.max() == 0, f"{name} of {pad.facts} changes what is not its own"


@pytest.mark.parametrize("seed", PADS)
def test_a_pressed_stick_is_seen(seed: int) -> None:
    pad = pad_of(seed)
    matrix = placed(pad)
    shown = Shown(pad, matrix, SIZE, SIZE)
    neutral = painted(shown, NEUTRAL)
    for stick in pad.sticks:
        moment = Moment(frozenset({f"{stick.side}_thumb"}))
        changed = np.abs(painted(shown, moment) - neutral).max(axis=2)
        cap = circle(*stick.middle, stick.size)
        place = Raster(matrix, Box(0, 0, SIZE, SIZE)).mask([cap]) > 0
        if stick.pressed is not None:
            assert (changed[place] > 18).mean() > 0.12, f"{stick.side} of {pad.facts}"
        elif f"{stick.side}_thumb" not in {part.name for part in pad.parts}:
            assert changed.max() == 0


@pytest.mark.parametrize("seed", [62, 66, 69])
def test_what_no_action_has_is_only_seen_when_lit(seed: int) -> None:
    """Labels know nothing of touchpads."""
    seeds = (each for each in range(seed, seed + 60)
             if any(not p.name and p.neutral != p.pressed for p in pad_of(each).parts))  # fmt: skip
    pad = pad_of(next(seeds))
    shown = Shown(pad, placed(pad), SIZE, SIZE)
    assert (painted(shown, NEUTRAL, True) != painted(shown, NEUTRAL)).any()
    seen = pad.seen_of(states_of([NEUTRAL]))
    assert not seen.published().any()


BALL = Ink(circle(0, 0, 18), (1.0, 1.0, 1.0))


def ball(knob: Knob = Knob.CAP, tilt: float = 0.0) -> Pad:
    """Two sticks and nothing else."""
    tail = Ink(circle(0, 0, 1), (1.0, 1.0, 1.0), line=8) if knob is not Knob.CAP else None
    sticks = tuple(
        Stick(side, (x, 100.0), 30, 18, knob, (), (BALL,), None, tail, tilt)
        for side, x in (("left", 70.0), ("right", 230.0))
    )
    like = pad_of(60)
    return Pad(
        0, like.canvas._replace(left=0, top=0, width=300, height=200), (), (), (), sticks, {}
    )


@pytest.mark.parametrize("turned", [0.0, 0.08], ids=["upright", "turned"])
@pytest.mark.parametrize("tilt", [0.0, 0.2], ids=["flat", "tilted"])
def test_a_cap_is_where_its_label_says(turned: float, tilt: float) -> None:
    """A mirrored stick teaches to run the wrong way."""
    pad = ball(tilt=tilt)
    matrix = placed(pad, turned)
    shown = Shown(pad, matrix, SIZE, SIZE)
    box = shown.box
    rows, columns = np.mgrid[box.top : box.bottom, box.left : box.right] + 0.5
    for x, y in [(0.0, 0.0), (0.03, -0.4), (-1.0, 0.37), (0.7, 0.7), (0.33, -0.94)]:
        for side, middle in ((0, 70.0), (1, 230.0)):
            sticks = (x, y, 0.0, 0.0) if side == 0 else (0.0, 0.0, x, y)
            alpha = shown.layer(states_of([Moment(sticks=sticks)]), 0).full[1].copy()
            other = matrix[:, :2] @ (230.0 if side == 0 else 70.0, 100.0) + matrix[:, 2]
            alpha[np.hypot(columns - other[0], rows - other[1]) < 19 * 0.8 * SIZE / 300 + 2] = 0
            seen = np.array([(alpha * columns).sum(), (alpha * rows).sum()]) / alpha.sum()
            true = matrix[:, :2] @ (middle + 30 * x, 100 + 30 * y) + matrix[:, 2]
            assert np.abs(seen - true).max() < 0.12


@pytest.mark.parametrize("knob", [Knob.LINE, Knob.TRAIL], ids=str)
def test_lines_and_trails_end_at_the_stick(knob: Knob) -> None:
    """What is drawn behind a stick must not be what it did later."""
    pad = ball(knob)
    matrix = placed(pad)
    shown = Shown(pad, matrix, SIZE, SIZE)
    moved = states_of([Moment(), *(Moment(sticks=(x, 0, 0, 0)) for x in (-0.5, -1.0, 1.0))])
    box, scale = shown.box, Raster(matrix, shown.box).scale
    alpha = shown.layer(moved, 2).full[1]
    columns = np.flatnonzero((alpha > 0.3).any(axis=0)) + box.left + 0.5
    left = float(matrix[0, 0] * (70 - 30 - 18) + matrix[0, 2])
    assert abs(columns.min() - left) < 1.5
    here = columns[columns < SIZE / 2]
    assert here.max() < matrix[0, 0] * (70 + 18 + 4) + matrix[0, 2] + 1.5
    assert np.ptp(here) > 40 * scale  # the tail is seen


@pytest.mark.parametrize("pull", [Pull.UP, Pull.DOWN, Pull.LEFT, Pull.RIGHT, Pull.FADE], ids=str)
def test_a_trigger_shows_how_far_it_is_pulled(pull: Pull) -> None:
    share = bar(pull)
    for pulled in (0.1, 0.4, 0.8):
        assert abs(share(pulled).mean() - pulled) < 0.02
    half = share(0.5)
    if pull is not Pull.FADE:
        axis = 1 if pull in (Pull.UP, Pull.DOWN) else 0
        line = half.mean(axis=axis)
        full = line[: len(line) // 3].mean() > 0.9
        assert full == (pull in (Pull.DOWN, Pull.RIGHT))


def test_a_trigger_that_is_a_button_agrees_with_its_label() -> None:
    share = bar(Pull.BUTTON)
    assert share(PULLED).max() == 0
    assert share(PULLED + 0.01).min() > 0.99


def bar(pull: Pull) -> Callable[[float], NDArray[np.float32]]:
    """A trigger of 80 by 60 pixels, and how much of each of them is filled."""
    shape = rounded(20, 20, 80, 60, 0)
    dark, bright = Ink(shape, (0.0, 0.0, 0.0)), Ink(shape, (1.0, 1.0, 1.0))
    part = Part("left_trigger", shape, (dark,), (bright,), pull)
    like = pad_of(60)
    canvas = like.canvas._replace(left=0, top=0, width=120, height=100)
    pad = Pad(0, canvas, (), (), (part,), (), {})
    shown = Shown(pad, np.array([[1.0, 0, 10], [0, 1, 10]]), SIZE, SIZE)
    rows, offset = COLOURS.matrix_and_offset()
    black, white = offset[0], offset[0] + rows[0].sum()

    def share(pulled: float) -> NDArray[np.float32]:
        y = painted(shown, Moment(triggers=(pulled, 0.0)))[30:90, 30:110, 0]
        return np.asarray((y - black) / (white - black), np.float32)

    return share


def test_opacity_lets_the_game_through() -> None:
    pad = pad_of(60)
    matrix = placed(pad)
    whole = painted(Shown(pad, matrix, SIZE, SIZE), NEUTRAL)
    third = painted(Shown(pad, matrix, SIZE, SIZE, 0.3), NEUTRAL)
    np.testing.assert_allclose(third - 120, 0.3 * (whole - 120), atol=1.01)


def test_states_of_the_frame_are_drawn() -> None:
    """One frame late, everything is learned wrong."""
    pad = pad_of(60)
    shown = Shown(pad, placed(pad), SIZE, SIZE)
    name = next(part.name for part in pad.parts if part.name in BUTTONS)
    states: PadStates = states_of([NEUTRAL, Moment(frozenset({name})), NEUTRAL])
    layers = [shown.layer(states, index).full[0] for index in range(3)]
    assert (layers[0] == layers[2]).all()
    assert (layers[0] != layers[1]).any()
