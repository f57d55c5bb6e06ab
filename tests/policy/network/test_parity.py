"""The network computes what the reference implementation computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.policy.actions import decode
from tests.policy.samples import NAMES, movement_error, reference, relative_error

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy

PARITY = 1e-5
SAME = 1e-6
"""Two ways through the same float32 weights, summed in another order."""


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_those_of_the_reference(
    policies: dict[str, Policy], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any slip in the mathematics makes a trained policy play nonsense."""
    wanted = reference(name)
    found = policies[name].sample(wanted.images, wanted.noise, game=wanted.game)
    error = relative_error(found, wanted.actions)
    moved = movement_error(found, wanted.actions, wanted.noise)
    with capsys.disabled():
        print(f"\n{name}: relative L2 error {error:.1e}, of the movement {moved:.1e}")
    assert error < PARITY
    assert moved < PARITY


@pytest.mark.parametrize("name", NAMES)
def test_sticks_and_buttons_are_those_of_the_reference(
    policies: dict[str, Policy], name: str
) -> None:
    """A channel read in the wrong place presses the wrong button."""
    wanted = reference(name)
    found = policies[name].sample(wanted.images, wanted.noise, game=wanted.game)
    for actions in (wanted.actions, found):
        chunk = decode(actions)
        np.testing.assert_allclose(chunk.j_left, wanted.decoded["j_left"], atol=1e-5)
        np.testing.assert_allclose(chunk.j_right, wanted.decoded["j_right"], atol=1e-5)
        np.testing.assert_array_equal(chunk.buttons, wanted.decoded["buttons"] > 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_does_not_depend_on_its_neighbours(policies: dict[str, Policy], name: str) -> None:
    """Attention or padding that leaks across the batch mixes what two players see."""
    wanted = reference(name)
    both = policies[name].sample(wanted.images, wanted.noise, game=wanted.game)
    for i in range(2):
        images, noise = wanted.images[i : i + 1], wanted.noise[i : i + 1]
        alone = policies[name].sample(images, noise, game=wanted.game)
        assert relative_error(alone[0], both[i]) < SAME
    assert relative_error(both[0], both[1]) > 0.01
