"""``Style``: how the parts of a skin are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Press(StrEnum):
    """How one sees that a button is down."""

    COLOUR = "colour"
    GLOW = "glow"
    FILL = "fill"
    LARGER = "larger"
    OFFSET = "offset"


class Knob(StrEnum):
    """What moves where a stick is."""

    CAP = "cap"
    RING = "ring"
    DOT = "dot"


class Pull(StrEnum):
    """How one sees that a trigger is pulled; the last: pressed or not."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    BUTTON = "button"


@dataclass(frozen=True)
class Style:
    """Colours are ``#rrggbb``, widths in pixels of the canvas, alphas 0 to 1.

    Attributes:
        body: Of the pad; None for none.
        body_below: At its lower end.
        body_right: Of the right half of a pad in two halves; None for the same.
        body_alpha: How opaque it is.
        edge: Outline of the body.
        edge_width: Of that.
        key: Of a button that is up; None for none.
        key_below: At its lower end.
        key_alpha: How opaque it is.
        line: Outline of everything but the body.
        line_width: Of that.
        line_alpha: How opaque it is.
        sign: Letters and symbols.
        signs: Of some buttons, by name.
        lit: A pressed button.
        lit_by_sign: Whether a pressed button has its sign's colour.
        sign_lit: What is written on a pressed button.
        press: How a press is shown.
        well: Under a stick; None for a line alone.
        knob: What of a stick moves.
        knob_colour: Of that.
        pull: How triggers are shown.
        one_dpad: Whether the d-pad is one piece.
        shadow: Under buttons that stand out; None for none.
    """

    body: str | None = None
    body_below: str | None = None
    body_right: str | None = None
    body_alpha: float = 1.0
    edge: str = "#000000"
    edge_width: float = 3.0
    key: str | None = None
    key_below: str | None = None
    key_alpha: float = 1.0
    line: str = "#ffffff"
    line_width: float = 2.5
    line_alpha: float = 1.0
    sign: str = "#ffffff"
    signs: dict[str, str] = field(default_factory=dict)
    lit: str = "#ffffff"
    lit_by_sign: bool = False
    sign_lit: str = "#101014"
    press: Press = Press.FILL
    well: str | None = None
    knob: Knob = Knob.CAP
    knob_colour: str = "#3a3d44"
    pull: Pull = Pull.UP
    one_dpad: bool = True
    shadow: str | None = None

    def lit_of(self, name: str) -> str:
        """The colour of a pressed button."""
        return self.signs.get(name, self.lit) if self.lit_by_sign else self.lit
