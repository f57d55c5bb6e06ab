"""What is where in a picture of the pulse: notes, and the lanes whose buttons are down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.numbers import ONE
from nitropilot.simulator.arcade.core.places import Kind, around
from nitropilot.simulator.arcade.games.pulse.world import LANE_X, LINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.simulator.arcade.core.places import Place
    from nitropilot.simulator.arcade.games.pulse.world import PulseWorld

BELOW = 16
"""So far below the line a note is still seen."""


def places(world: PulseWorld) -> Iterator[Place]:
    """Where everything is."""
    for note in world.open:
        y = LINE - world.above(note) / ONE
        if -8 < y < LINE + BELOW:
            yield around(Kind.GOOD, LANE_X[world.song[note].lane], y, 16, 8)
    for x, ticks in zip(LANE_X, world.held, strict=True):
        if ticks:
            yield around(Kind.SELF, x, LINE, 18, 10)
