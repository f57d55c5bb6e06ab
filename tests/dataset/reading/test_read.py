"""A controller is read off a video: a small one with everything, through a real codec."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.drawing.planes import Colours
from nitropilot.dataset.pad import BUTTONS
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.reading.read import read_at
from nitropilot.dataset.reading.sight import Sight
from nitropilot.dataset.templates.template import Kind
from nitropilot.dataset.video.frames import open_video
from nitropilot.records.format import PUBLISHED_BUTTONS
from tests.dataset.toy import POSE, bars, drawn, encode, pressing, scene, toy

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.reading.reading import Reading

FRAMES = 120
SIZE = (208, 128)


@pytest.fixture(scope="module")
def truth() -> PadStates:
    return pressing(FRAMES)


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory, truth: PadStates) -> Reading:
    path = encode(tmp_path_factory.mktemp("clip") / "v.mp4", drawn(toy(), truth, size=SIZE))
    return read_at(open_video(path), Sight(toy(), POSE, Colours(), 1.0, SIZE), 0, FRAMES)


def test_buttons_are_read_at_their_own_frames(reading: Reading, truth: PadStates) -> None:
    wrong = reading.states.published() != truth.published()

    assert reading.numbers.tolist() == list(range(FRAMES))
    assert {
        n: int(c) for n, c in zip(PUBLISHED_BUTTONS, wrong.sum(axis=0), strict=True) if c > 2
    } == {}
    assert wrong.mean() < 0.005
    # One frame late or early is worse by far: it is not read around the right time.
    late = np.roll(truth.published(), 1, axis=0)
    assert (reading.states.published() != late).mean() > 5 * wrong.mean() + 0.02


def test_sticks_are_read_between_the_positions_that_are_tried(
    reading: Reading, truth: PadStates
) -> None:
    errors = np.abs(reading.states.sticks - truth.sticks)

    assert np.median(errors) < 0.03
    assert np.quantile(errors, 0.98) < 0.15
    assert (reading.stick_confidence > 0.5).mean() > 0.95


def test_triggers_are_read_by_how_far_they_are_pulled(reading: Reading, truth: PadStates) -> None:
    assert np.abs(reading.states.triggers - truth.triggers).mean() < 0.06


def test_what_is_sure_is_right(reading: Reading, truth: PadStates) -> None:
    wrong = reading.states.published() != truth.published()

    assert ((reading.confidence >= 0.5) & (reading.confidence <= 1)).all()
    assert wrong[reading.confidence > 0.99].mean() < 0.002
    assert reading.shown.min() > 0.8
    assert reading.outputs == {*PUBLISHED_BUTTONS, "j_left", "j_right"}


def test_a_part_of_a_video_is_read_as_in_the_whole(
    reading: Reading, tmp_path: Path, truth: PadStates
) -> None:
    path = encode(tmp_path / "v.mp4", drawn(toy(), truth, size=SIZE))
    part = read_at(open_video(path), Sight(toy(), POSE, Colours(), 1.0, SIZE), 40, 90)

    assert part.numbers.tolist() == list(range(40, 90))
    same = part.states.buttons == reading.states.buttons[40:90]
    assert same.mean() > 0.99


def test_larger_controllers_are_read_at_half_the_size(tmp_path: Path) -> None:
    truth, size = pressing(40, seed=3), (832, 512)
    pose = replace(POSE, scale=POSE.scale * 4, x=POSE.x * 4, y=POSE.y * 4)
    path = encode(tmp_path / "v.mp4", drawn(toy(), truth, pose, size))
    found = read_at(open_video(path), Sight(toy(), pose, Colours(), 1.0, size), 0, 40)

    assert (found.states.buttons != truth.buttons).mean() < 0.01
    assert np.median(np.abs(found.states.sticks - truth.sticks)) < 0.03
    assert found.pose == pose


def test_lines_alone_are_there_as_long_as_they_are_drawn(tmp_path: Path) -> None:
    """No body, hardly opaque: then the controller is gone."""
    whole = toy()
    lines = replace(whole, elements=tuple(e for e in whole.elements if e.name != "body"))
    truth = pressing(60)
    pictures = [
        picture if number < 40 else without
        for number, (picture, without) in enumerate(
            zip(drawn(lines, truth, size=SIZE, opacity=0.4), scene(60, *SIZE), strict=True)
        )
    ]
    path = encode(tmp_path / "v.mp4", iter(pictures))
    found = read_at(open_video(path), Sight(lines, POSE, Colours(), 0.4, SIZE), 0, 60)

    assert found.shown[:39].min() > 0.9
    assert found.shown[41:].max() < 0.1


def test_what_stands_behind_it_is_not_taken_for_a_part_of_it(
    truth: PadStates, tmp_path: Path
) -> None:
    """Bars of a game show through, clearer than what lies over them."""
    size = (416, 256)
    pictures = drawn(toy(), truth, size=size, opacity=0.35, pictures=bars(FRAMES, *size))
    path = encode(tmp_path / "v.mp4", pictures)
    found = read_at(open_video(path), Sight(toy(), POSE, Colours(), 0.35, size), 0, FRAMES)

    assert (found.states.published() != truth.published()).mean() < 0.02
    assert np.median(np.abs(found.states.sticks - truth.sticks)) < 0.05
    assert (np.abs(found.states.sticks - truth.sticks) > 0.3).mean() < 0.05


def test_what_a_template_does_not_show_is_not_read(tmp_path: Path) -> None:
    whole = toy()
    few = replace(
        whole, elements=tuple(e for e in whole.elements if e.name in ("body", "south", "left"))
    )
    truth = pressing(30)
    path = encode(tmp_path / "v.mp4", drawn(few, truth, size=SIZE))
    found = read_at(open_video(path), Sight(few, POSE, Colours(), 1.0, SIZE), 0, 30)

    assert found.outputs == {"south", "left_trigger", "j_left", "left_thumb"}
    others = [n for n, name in enumerate(BUTTONS) if name not in found.outputs]
    assert not found.states.buttons[:, others].any()
    assert not found.states.sticks[:, 2:].any()


@pytest.mark.parametrize(
    "pose", [Pose(0.62, -20.4, 12.7), Pose(0.62, 30.3, 60.2)], ids=["left", "low"]
)
def test_what_reaches_out_of_the_picture_is_read_as_far_as_it_is_seen(
    tmp_path: Path, pose: Pose
) -> None:
    truth = pressing(40, seed=5)
    path = encode(tmp_path / "v.mp4", drawn(toy(), truth, pose, SIZE))
    found = read_at(open_video(path), Sight(toy(), pose, Colours(), 1.0, SIZE), 0, 40)

    seen = [BUTTONS.index(name) for name in ("north", "start", "right_shoulder")]
    assert (found.states.buttons[:, seen] != truth.buttons[:, seen]).mean() < 0.02


def test_a_stick_at_the_edge_of_its_canvas(tmp_path: Path) -> None:
    whole = toy()
    edge = replace(whole, elements=tuple(
        replace(e, x=0.0, y=0.0) if e.kind is Kind.STICK and e.name == "left" else e
        for e in whole.elements
    ))  # fmt: skip
    truth = pressing(40, seed=6)
    path = encode(tmp_path / "v.mp4", drawn(edge, truth, size=SIZE))
    found = read_at(open_video(path), Sight(edge, POSE, Colours(), 1.0, SIZE), 0, 40)

    assert np.median(np.abs(found.states.sticks[:, :2] - truth.sticks[:, :2])) < 0.05


def test_a_single_frame_is_read(tmp_path: Path) -> None:
    truth = pressing(1, seed=3)
    path = encode(tmp_path / "v.mp4", drawn(toy(), truth, size=SIZE))
    found = read_at(open_video(path), Sight(toy(), POSE, Colours(), 1.0, SIZE), 0, 1)

    assert found.numbers.tolist() == [0]
    assert not found.states.buttons.any()
