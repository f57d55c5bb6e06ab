"""A script that plays in time: it presses a little early and holds for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.controller.state import NO_BUTTONS, GamepadState
from nitropilot.simulator.arcade.core.numbers import ONE
from nitropilot.simulator.arcade.games.pulse.world import BUTTONS, LANE_X

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.games.pulse.world import PulseWorld

PRESS = 6
"""So far above the line, in pixels, it presses."""
HOLD = 9
"""Ticks for which it stays pressed after a hit, which a flash shows."""


def act(world: PulseWorld) -> GamepadState:
    """What to press now."""
    buttons = NO_BUTTONS
    for lane, button in enumerate(BUTTONS):
        note = world.nearest(lane)
        due = note is not None and world.above(note) <= PRESS * ONE
        flash = any(
            event.kind == "hit" and event.x == LANE_X[lane] and world.tick - event.tick < HOLD
            for event in world.events
        )
        if due or flash:
            buttons |= button
    return GamepadState(buttons=buttons)
