"""``Part``: outputs that are read together, and the states among which it is decided.

What is drawn for two outputs can overlap, so that neither can be told without the other: the four
directions of a d-pad always, a stick and its button always, others where their pictures do.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.pad import NEUTRAL, SIDES, Moment
from nitropilot.dataset.templates.template import DPAD_LOOKS, THUMBS, Element, Kind, Template

if TYPE_CHECKING:
    from collections.abc import Iterable

FINE = 1 / 7
"""Between two positions of a stick that are tried, in shares of its way."""
COARSE = 3
"""How many of these apart are those that are tried first."""
REACH = 1.26
"""A stick's way at most: some pads reach beyond 1 in the corners."""
FILLS = tuple(round(0.1 * tenth, 1) for tenth in range(11))
"""How far a trigger is pulled, as far as that is told apart."""
DIRECTIONS = ("dpad_up", "dpad_down", "dpad_left", "dpad_right")


class Way(StrEnum):
    """How a part's states are told apart."""

    BUTTONS = "buttons"
    TRIGGER = "trigger"
    STICK = "stick"


@dataclass(frozen=True)
class Part:
    """Outputs that are read together.

    Attributes:
        way: How.
        side: Of a stick or a trigger; "" of buttons.
        states: The states that are tried, the released one first; of a stick those in its middle.
        elements: What shows them: indices of the template's elements.
    """

    way: Way
    side: str
    states: tuple[Moment, ...]
    elements: frozenset[int]

    @property
    def buttons(self) -> frozenset[str]:
        """The buttons among its outputs."""
        return frozenset[str]().union(*(state.buttons for state in self.states))


def parts_of(template: Template) -> list[Part]:
    """All parts of a template, each output in one of them."""
    shown = template.outputs
    stick_thumbs = {THUMBS[side] for side in SIDES if template.stick(side)}
    directions = [name for name in DIRECTIONS if name in shown]
    parts = [
        _part(template, Way.BUTTONS, "", [frozenset[str](), frozenset({name})])
        for name in sorted(shown - {*directions} - stick_thumbs)
        if not name.startswith("j_") and not name.endswith("_trigger")
    ]
    if directions:
        looks = [look for look in DPAD_LOOKS if look <= {*directions}]
        parts.append(_part(template, Way.BUTTONS, "", looks))
    parts += [_trigger(template, side) for side in SIDES if f"{side}_trigger" in shown]
    for side in SIDES:
        if template.stick(side):
            pressed = [frozenset({THUMBS[side]} & shown), frozenset[str]()]
            parts.append(_part(template, Way.STICK, side, sorted({*pressed}, key=len)))
    return parts


def stick_moment(side: str, x: float, y: float, buttons: Iterable[str] = ()) -> Moment:
    """A stick somewhere."""
    at = (x, y, 0.0, 0.0) if side == SIDES[0] else (0.0, 0.0, x, y)
    return NEUTRAL._replace(sticks=at, buttons=frozenset(buttons))


def stick_grid() -> list[tuple[int, int]]:
    """Positions that are tried, in steps of ``FINE`` from the middle."""
    reach = int(REACH / FINE)
    steps = range(-reach, reach + 1)
    return [(x, y) for x, y in itertools.product(steps, steps) if np.hypot(x, y) * FINE <= REACH]


def places_of(part: Part) -> list[Moment]:
    """Enough of a part's states to show all pixels that it can change, the released one first."""
    if part.way is not Way.STICK:
        return list(part.states)
    half = int(REACH / FINE / 2)
    ring = [p for p in stick_grid() if max(map(abs, p)) in (half, 2 * half)]
    return [
        stick_moment(part.side, x * FINE, y * FINE, state.buttons)
        for state in part.states
        for x, y in [(0, 0), *ring]
    ]


def _trigger(template: Template, side: str) -> Part:
    found = [
        number
        for number, element in enumerate(template.elements)
        if element.kind is Kind.TRIGGER and element.name == side
    ]
    partial = any(template.elements[number].fill for number in found)
    pulls = FILLS if partial else (0.0, 1.0)
    states = tuple(
        NEUTRAL._replace(triggers=(pull, 0.0) if side == SIDES[0] else (0.0, pull))
        for pull in pulls
    )
    return Part(Way.TRIGGER, side, states, frozenset(found))


def _part(template: Template, way: Way, side: str, looks: list[frozenset[str]]) -> Part:
    names = frozenset[str]().union(*looks) | ({f"j_{side}"} if way is Way.STICK else set())
    found = frozenset(
        number
        for number, element in enumerate(template.elements)
        if element.outputs & names or _moves_with(element, way, side)
    )
    return Part(way, side, tuple(NEUTRAL._replace(buttons=look) for look in looks), found)


def _moves_with(element: Element, way: Way, side: str) -> bool:
    return way is Way.STICK and element.kind is Kind.STICK and element.name == side
