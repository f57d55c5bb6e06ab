"""States of a pad, one and many."""

from __future__ import annotations

import numpy as np

from nitropilot.dataset.pad import BUTTONS, NEUTRAL, Moment, states_of
from nitropilot.records.format import PUBLISHED_BUTTONS

HELD = Moment(frozenset({"south", "dpad_up"}), (0.5, -1.0, 0.0, 0.25), (0.9, 0.2))


def test_moments_and_arrays_are_the_same() -> None:
    states = states_of([NEUTRAL, HELD])

    assert (len(states), states.moment(0), states.moment(1)._replace(triggers=(0, 0))) == (
        2, NEUTRAL, HELD._replace(triggers=(0, 0)),
    )  # fmt: skip
    assert states.buttons[1].sum() == 2
    assert np.allclose(states.triggers[1], HELD.triggers)
    assert len(states.part(1, 2)) == 1
    assert len(states_of([])) == 0


def test_published_buttons_have_triggers_among_them() -> None:
    published = states_of([HELD]).published()[0]

    down = {name for name, value in zip(PUBLISHED_BUTTONS, published, strict=True) if value}
    assert down == {"south", "dpad_up", "left_trigger"}  # the right one is hardly pulled
    assert len(BUTTONS) == 15
