"""What is drawn over a picture is what the painter draws, at the place that the truth says."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.drawing.projection import Projection
from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.pad import Moment
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.skinmaking.ink import Sheet
from nitropilot.dataset.skinmaking.shapes import circle
from nitropilot.dataset.synth.overlay import Overlay, overlaid
from nitropilot.dataset.synth.states import states
from nitropilot.dataset.templates.template import Element, Kind, Template
from tests.dataset.skinmaking.reader import shipped

CAP = Sheet(60, 60).fill(circle(30, 30, 26), "#ffffff").look()
BALL = Template("ball", 300, 200, (Element(Kind.STICK, "left", 120, 70, (CAP, CAP), 40.0),))
SQUARE = np.full((40, 40, 4), 255, np.uint8)
KEY = Template(
    "key", 100, 80, (Element(Kind.BUTTON, "south", 20, 20, (SQUARE * (1, 0, 0, 1), SQUARE)),)
)  # fmt: skip


@pytest.mark.parametrize(
    ("pose", "close"),
    [(Pose(0.31, 7.3, 5.6), 1e-5), (Pose(0.31, 17.3, 5.6, 0.05), 0.06)],
    ids=["upright", "turned"],
)
def test_what_is_kept_is_what_would_be_drawn_anew(pose: Pose, close: float) -> None:
    """A press that is drawn over what the last one left would show both."""
    skin = shipped("small-flat")
    overlay, painter = Overlay(skin, pose, 200, 100), Painter(skin)
    played = states(np.random.default_rng(3), 20, 30)
    whole = Projection(pose, overlay.box)
    for index in range(0, 600, 40):
        for frame in range(index, index + 4):
            moment = played.moment(frame)
            layer = overlay.layer(moment)
        part = Box(0, 0, skin.width, skin.height)
        expected = whole.project(painter.paint(moment), part)
        np.testing.assert_allclose(layer, expected, atol=close)
        assert np.abs(layer - expected).mean() < 0.002


@pytest.mark.parametrize("angle", [0.0, 0.06], ids=["upright", "turned"])
@pytest.mark.parametrize("scale", [0.15, 0.27, 0.5], ids=str)
def test_a_stick_is_where_the_truth_says(scale: float, angle: float) -> None:
    """A tenth of a pixel of five that a stick moves is two percent of its way."""
    pose = Pose(scale, 11.37, 6.81, angle)
    overlay = Overlay(BALL, pose, 200, 150)
    box = overlay.box
    rows, columns = np.mgrid[box.top : box.bottom, box.left : box.right] + 0.5
    for x, y in [(0.0, 0.0), (0.013, -0.4), (-1.0, 0.37), (0.71, 0.71), (0.333, -0.94)]:
        alpha = overlay.layer(Moment(sticks=(x, y, 0, 0)))[..., 3]
        seen = np.array([(alpha * columns).sum(), (alpha * rows).sum()]) / alpha.sum()
        true = pose.matrix() @ (120 + 30 + 40 * x, 70 + 30 + 40 * y, 1)
        assert np.abs(seen - true).max() < 0.02


def test_the_picture_shows_through() -> None:
    """Opacity is of all of it; beside it and where it is empty nothing changes."""
    overlay = Overlay(KEY, Pose(0.5, 10, 4), 80, 60, opacity=0.6)
    for buttons, colour in ((frozenset[str](), (255, 0, 0)), (frozenset({"south"}), (255,) * 3)):
        picture = np.full((60, 80, 3), 100, np.uint8)
        overlay.over(picture, Moment(buttons))
        key = np.rint(0.6 * np.array(colour) + 0.4 * 100).astype(int)
        np.testing.assert_array_equal(picture[14:34, 20:40], np.broadcast_to(key, (20, 20, 3)))
        picture[14:34, 20:40] = 100
        assert (picture == 100).all()


def test_what_lies_outside_is_not_drawn() -> None:
    """An overlay may reach out of the picture, or be beside it altogether."""
    for pose in (Pose(0.5, -15, -12), Pose(0.5, 70, 50), Pose(0.5, 500, 500)):
        picture = np.full((60, 80, 3), 100, np.uint8)
        Overlay(KEY, pose, 80, 60).over(picture, Moment(frozenset({"south"})))
        white = (picture == 255).all(axis=2)
        left, top = pose.x + 10, pose.y + 10
        rows, columns = np.mgrid[:60, :80] + 0.5
        inside = (abs(columns - left - 10) < 10) & (abs(rows - top - 10) < 10)
        np.testing.assert_array_equal(white, inside)


def test_states_without_pictures_are_told() -> None:
    """A clip that is shorter than its truth would be compared with a shifted one."""
    played = states(np.random.default_rng(0), 1, 10)
    pictures = [np.zeros((60, 80, 3), np.uint8) for _ in range(7)]
    with pytest.raises(NotExtracted, match="7 pictures for 10 states"):
        list(overlaid(pictures, KEY, Pose(0.5, 0, 0), played))
