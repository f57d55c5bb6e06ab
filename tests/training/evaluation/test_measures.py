"""Figures of answers, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nitropilot.policy.actions import CHECKPOINT, TOKENS, DecodedChunk
from nitropilot.training.evaluation.calibration import calibration_error, reliability
from nitropilot.training.evaluation.measures import (
    Answers,
    angle_error,
    button_score,
    measure,
    smoothness,
    used_buttons,
)

HZ = 10.0


def stored(south: list[list[int]], left: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """``N x T x A`` of SOUTH and a left stick that stays."""
    pressed = np.array(south, bool)
    buttons = np.zeros((*pressed.shape, len(TOKENS)), bool)
    buttons[..., TOKENS.index("SOUTH")] = pressed
    stick = np.broadcast_to(np.array(left, np.float32), (*pressed.shape, 2))
    return CHECKPOINT.write(DecodedChunk(stick, np.zeros_like(stick), buttons))


def test_a_button_is_counted() -> None:
    """2 of 3 right presses found, 2 of 4 presses right."""
    was = np.array([1, 1, 1, 0, 0, 0], bool)
    said = np.array([1, 1, 0, 1, 1, 0], bool)
    found = button_score(was, said, np.full(6, 0.5))
    assert (found.support, found.predicted) == (3, 4)
    assert found.precision == 0.5
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(4 / 7)
    assert (found.labelled_share, found.predicted_share) == (0.5, 0.5)
    never = button_score(was, np.zeros(6, bool), np.zeros(6))
    assert (never.precision, never.recall, never.f1) == (None, 0.0, 0.0)


def test_the_angle_of_a_stick() -> None:
    """Only where the label is tilted; over the turn of the circle; at rest is no direction."""
    was = np.array([[1, 0], [-1, 0.1], [0, 1], [0.05, 0]], np.float32)
    said = np.array([[0, 0.5], [-1, -0.1], [0.01, 0], [0, -1]], np.float32)
    mean, count, rest = angle_error(was, said)
    turn = 2 * math.degrees(math.atan2(0.1, 1.0))
    assert count == 3
    assert mean == pytest.approx((90 + turn + 90) / 3)
    assert rest == pytest.approx(1 / 3)
    assert angle_error(was[3:], said[3:])[1] == 0


def test_smoothness_has_units() -> None:
    """Two changes in a chunk of 0.4 s; a cubic's third derivative is 6 whatever the rate."""
    buttons = np.zeros((2, 5, 3), bool)
    buttons[0, 2, 1] = True
    for hz in (10.0, 20.0):
        time = np.arange(5) / hz
        cubic = np.zeros((2, 5, 2), np.float32)
        cubic[..., 0] = time**3
        found = smoothness(buttons, (cubic, cubic), hz)
        assert found.flips == pytest.approx(2 / (2 * 4 / hz))
        assert found.jerk == pytest.approx(6.0, rel=1e-3)
    assert smoothness(buttons[:, :3], (cubic[:, :3],), 10.0).jerk is None


def test_calibration_is_what_becomes_of_what_is_said() -> None:
    """Said 0.25 four times and true once is right; said 1.0 and true half of the time is not."""
    chance = np.array([0.25] * 4 + [1.0] * 4)
    was = np.array([1, 0, 0, 0, 1, 1, 0, 0], bool)
    bins = reliability(chance, was)
    assert [(each.count, each.predicted, each.labelled) for each in bins] == [
        (4, 0.25, 0.25), (4, 1.0, 0.5),
    ]  # fmt: skip
    assert calibration_error(bins) == pytest.approx(0.25)
    assert calibration_error(()) is None


def test_all_figures_of_one_policy() -> None:
    """What nobody labelled counts nowhere, and every noise counts in calibration alone."""
    truth = stored([[1, 1, 0, 0], [0, 0, 0, 1]], (1.0, 0.0))
    one, other = stored([[1, 1, 0, 0], [1, 1, 1, 1]], (0.0, 1.0)), stored([[1, 0, 0, 0]] * 2)
    known = np.array([[True] * 4, [False] * 4])
    answers = Answers(truth, np.stack([one, other]), known, CHECKPOINT, HZ, 0.5)
    assert used_buttons(answers) == {"SOUTH"}
    found = measure(answers, ["SOUTH"])
    assert (found.samples, found.actions, found.noises, found.loss) == (1, 4, 2, 0.5)
    south = found.buttons["SOUTH"]
    assert (south.support, south.f1) == (2, 1.0)
    assert (south.labelled_share, south.predicted_share) == (0.5, 3 / 8)
    assert found.f1 == 1.0
    assert found.angle == {"left": pytest.approx(90.0)}
    assert found.mean_angle == pytest.approx(90.0)
    assert found.tilted == {"left": 4}
    assert found.calibration_error == pytest.approx((0.5 * 1) / 4)
    assert found.smoothness == found.label_smoothness
    assert found.label_smoothness is not None
    assert found.label_smoothness.flips == pytest.approx(1 / 0.3)
    assert found.facts()["mean_r2"] is None, "no axis moved"
