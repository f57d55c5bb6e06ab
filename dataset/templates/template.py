"""``Template``: how one controller on screen looks, in every state that it can show.

A template is a canvas with elements on it, drawn in order.  What an element can look like are
pictures (its *looks*), and what it shows is one of the outputs: a button, a stick, a trigger, the
d-pad.  The rules are those of the OBS plugin input-overlay, whose presets most overlays are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from nitropilot.dataset.pad import BUTTONS, SIDES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DPAD_LOOKS = (
    frozenset[str](),
    frozenset({"dpad_left"}),
    frozenset({"dpad_right"}),
    frozenset({"dpad_up"}),
    frozenset({"dpad_down"}),
    frozenset({"dpad_up", "dpad_left"}),
    frozenset({"dpad_up", "dpad_right"}),
    frozenset({"dpad_down", "dpad_left"}),
    frozenset({"dpad_down", "dpad_right"}),
)
"""What a d-pad of one piece shows with each of its nine looks."""
THUMBS = {"left": "left_thumb", "right": "right_thumb"}
"""The button that pressing a stick is."""
TRIGGER_SHOWN = 0.1
"""A trigger that is drawn as a button looks pressed from here on."""


class Kind(StrEnum):
    """What an element is."""

    PICTURE = "picture"
    BUTTON = "button"
    STICK = "stick"
    TRIGGER = "trigger"
    DPAD = "dpad"


class Fill(StrEnum):
    """Which way a trigger fills while it is pulled."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, eq=False)
class Element:
    """One thing on the canvas.

    Attributes:
        kind: What it is.
        name: What it shows: a button's published name, a stick's or trigger's side; of a picture,
            of a d-pad, and of a button that no output has (a touchpad, a paddle), any.
        x: Where its upper left corner is on the canvas.
        y: The same.
        looks: ``h x w x 4`` RGBA uint8 each, of one size, alpha not multiplied in: a picture's one;
            released and pressed; a d-pad's nine, by ``DPAD_LOOKS``.
        radius: How far a stick moves, in pixels of the canvas.
        fill: Which way a trigger fills; None where it looks pressed or not.
        ident: Its name in the file it came from, for messages.
    """

    kind: Kind
    name: str
    x: float
    y: float
    looks: tuple[NDArray[np.uint8], ...]
    radius: float = 0.0
    fill: Fill | None = None
    ident: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the canvas."""
        height, width = self.looks[0].shape[:2]
        return width, height

    @property
    def outputs(self) -> frozenset[str]:
        """The published names of what can be read off it: buttons, triggers, ``j_left``, ..."""
        if self.kind is Kind.BUTTON:
            return frozenset({self.name} & {*BUTTONS})
        if self.kind is Kind.DPAD:
            return DPAD_LOOKS[5] | DPAD_LOOKS[8]
        if self.kind is Kind.TRIGGER:
            return frozenset({f"{self.name}_trigger"})
        if self.kind is Kind.STICK:
            pressed = {THUMBS[self.name]} if len(self.looks) > 1 else set()
            return frozenset({f"j_{self.name}"} | pressed)
        return frozenset()


@dataclass(frozen=True, eq=False)
class Template:
    """A controller on screen.

    Attributes:
        name: Of the skin, unique in a library.
        width: Of the canvas, in pixels.
        height: The same.
        elements: In the order in which they are drawn.
        family: ``xbox``, ``playstation``, ``switch`` or ``generic``.
        facts: What else its file says of it.
    """

    name: str
    width: int
    height: int
    elements: tuple[Element, ...]
    family: str = "generic"
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> frozenset[str]:
        """All that can be read off it."""
        return frozenset[str]().union(*(element.outputs for element in self.elements))

    def stick(self, side: str) -> Element | None:
        """The stick of a side, if it has one."""
        found = (e for e in self.elements if e.kind is Kind.STICK and e.name == side)
        return next(found, None)


ALL_OUTPUTS = frozenset({*BUTTONS, *(f"{s}_trigger" for s in SIDES), *(f"j_{s}" for s in SIDES)})
"""What a template can show at most."""
