"""The offset between a video and a recording is found from what is pressed in both."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.pad import PadStates
from nitropilot.dataset.scoring.aligning import NotAligned, aligned
from nitropilot.dataset.scoring.truth import Truth
from nitropilot.dataset.synth.states import states

HZ = 60
WHOLE = states(np.random.default_rng(3), 40, HZ)
TRUTH = Truth(np.arange(len(WHOLE)) / HZ, WHOLE, HZ)


def read_from(
    begins: float, seconds: float, rate: float, wrong: float = 0.0
) -> tuple[np.ndarray, PadStates, np.ndarray]:
    """A video's frames, read with some mistakes; before the recording nobody plays."""
    times = np.arange(int(seconds * rate)) / rate
    places, known = TRUTH.at(times + begins)
    rng = np.random.default_rng(9)
    buttons = WHOLE.buttons[places] & known[:, None]
    buttons ^= rng.random(buttons.shape) < wrong
    sticks = (WHOLE.sticks[places] * known[:, None]).astype(np.float32)
    sticks += rng.normal(0, 0.05, sticks.shape).astype(np.float32)
    return times, PadStates(buttons, sticks, WHOLE.triggers[places]), np.ones(len(times), bool)


@pytest.mark.parametrize(
    ("begins", "seconds", "rate"),
    [(0.0, 40, 60), (7.3, 20, 30), (23.456, 12, 59.94), (-4.0, 30, 30)],
    ids=["all of it", "a part", "another rate", "it begins earlier"],
)
def test_the_offset_is_found(begins: float, seconds: float, rate: float) -> None:
    """To half a tick: an overlay shows a state as long as that lasts."""
    found = aligned(*read_from(begins, seconds, rate, 0.02), TRUTH)
    assert found.offset == pytest.approx(begins, abs=0.5 / HZ + 1e-6)
    assert found.agreement > 0.7


def test_what_nobody_saw_does_not_count() -> None:
    """A controller that is away for half of the time is no reason to find another offset."""
    times, said, seen = read_from(11.0, 20, 30)
    seen[: len(seen) // 2] = False
    said.buttons[: len(seen) // 2] = True
    assert aligned(times, said, seen, TRUTH).offset == pytest.approx(11.0, abs=0.5 / HZ + 1e-6)


def test_another_play_is_refused() -> None:
    """An offset that is a guess would give figures that mean nothing."""
    other = states(np.random.default_rng(77), 20, 30)
    with pytest.raises(NotAligned, match="agree at no offset"):
        aligned(np.arange(len(other)) / 30, other, np.ones(len(other), bool), TRUTH)


def test_too_little_in_common_is_refused() -> None:
    """Two seconds fit in many places."""
    with pytest.raises(NotAligned):
        aligned(*read_from(39.0, 20, 30), TRUTH)
