"""Where a stick rests, and how far it goes."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.parsing.rest import normalised, resting
from nitropilot.dataset.synth.states import states


@pytest.mark.parametrize("way", [0.7, 1.0, 1.3])
def test_play_that_was_measured_wrongly_is_put_right(way: float) -> None:
    """A minute of play, read too short or too far, off the middle and with noise."""
    rng = np.random.default_rng(6)
    truth = states(rng, 60).sticks[:, :2]
    read = (truth - resting(truth)) * way + [0.12, -0.07] + rng.normal(0, 0.01, truth.shape)
    found = normalised(read.astype(np.float32))
    error = np.square(found - (truth - resting(truth))).mean() / truth.var()
    assert error < 0.02
    assert np.corrcoef(found[:, 0], truth[:, 0])[0, 1] > 0.98


def test_a_stick_that_hardly_moves_is_not_made_to() -> None:
    """Its noise stays noise."""
    noise = np.random.default_rng(0).normal(0, 0.05, (300, 2)).astype(np.float32)
    assert np.abs(normalised(noise)).max() < 0.3


def test_a_stick_that_is_never_at_rest_has_no_resting_point() -> None:
    """One that goes round and round, or is held to a side."""
    turn = np.linspace(0, 40, 500)
    around = np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
    assert resting(around).tolist() == [0, 0]
    held = np.full((200, 2), [0.9, 0.1], np.float32)
    assert resting(held).tolist() == [0, 0]
    assert normalised(held) == pytest.approx(np.full((200, 2), [1.0, 0.1 / 0.9]), abs=1e-5)
