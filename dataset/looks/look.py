"""``Pad``: a made-up controller, as shapes on a canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.pad import BUTTONS, SIDES
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.looks.raster import Ink
    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.skinmaking.shapes import Point, Shape


class Knob(StrEnum):
    """What of a stick moves."""

    CAP = "cap"
    DOT = "dot"
    LINE = "line"
    TRAIL = "trail"


class Pull(StrEnum):
    """How one sees how far a trigger is pulled."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    FADE = "fade"
    BUTTON = "button"


@dataclass(frozen=True, eq=False)
class Part:
    """A button, or a trigger.

    Attributes:
        name: The published one; empty for what no action has.
        place: What it covers.
        neutral: How it is drawn while nobody touches it.
        pressed: How it is drawn while it is down, or pulled all the way.
        pull: How much of ``pressed`` is seen of a trigger; None for what is no trigger.
    """

    name: str
    place: Shape
    neutral: tuple[Ink, ...]
    pressed: tuple[Ink, ...]
    pull: Pull | None = None


@dataclass(frozen=True, eq=False)
class Stick:
    """A stick.

    Attributes:
        side: ``left`` or ``right``.
        middle: Where it rests.
        reach: How far what moves is moved.
        size: Radius of what moves.
        knob: What that is.
        well: What it stands in, which does not move.
        cap: What moves, around (0, 0).
        pressed: The same while the stick is pressed; None where that is not seen.
        tail: Ink of a line or a trail; of these only the colour, the width and alpha count.
        tilt: How much narrower it becomes where it is pushed.
    """

    side: str
    middle: Point
    reach: float
    size: float
    knob: Knob
    well: tuple[Ink, ...]
    cap: tuple[Ink, ...]
    pressed: tuple[Ink, ...] | None
    tail: Ink | None = None
    tilt: float = 0.0


class Canvas(NamedTuple):
    """What a controller is drawn on, in its own pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class Pad:
    """A controller of one look.

    Attributes:
        seed: What it was drawn from.
        canvas: Close around it.
        body: What lies under everything.
        silhouette: What it covers, beside its parts.
        parts: Buttons and triggers, from below to above.
        sticks: At most one a side.
        facts: What it is like, in words.
    """

    seed: int
    canvas: Canvas
    body: tuple[Ink, ...]
    silhouette: tuple[Shape, ...]
    parts: tuple[Part, ...]
    sticks: tuple[Stick, ...]
    facts: dict[str, str]

    @property
    def filled(self) -> bool:
        """Whether nothing of a game shows through its body."""
        return self.facts["body"] == "filled"

    @property
    def shown_buttons(self) -> NDArray[np.bool_]:
        """``17``: which published buttons can be seen on it."""
        names = {part.name for part in self.parts}
        names |= {f"{one.side}_thumb" for one in self.sticks if one.pressed is not None}
        return np.array([name in names for name in PUBLISHED_BUTTONS])

    @property
    def shown_sticks(self) -> NDArray[np.bool_]:
        """``2``: left and right."""
        return np.array([side in {one.side for one in self.sticks} for side in SIDES])

    def seen_of(self, states: PadStates) -> PadStates:
        """States without what it does not show, which rests."""
        shown = dict(zip(PUBLISHED_BUTTONS, self.shown_buttons.tolist(), strict=True))
        buttons = states.buttons & np.array([shown[name] for name in BUTTONS])
        triggers = states.triggers * [shown[f"{side}_trigger"] for side in SIDES]
        sticks = states.sticks * np.repeat(self.shown_sticks, 2)
        return replace(
            states, buttons=buttons, sticks=sticks.astype(np.float32),
            triggers=triggers.astype(np.float32),
        )  # fmt: skip
