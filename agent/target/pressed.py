"""``Pressed``: a state of a plan that was sent, with what it was handed over with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from nitropilot.controller.state import GamepadState

T = TypeVar("T")


@dataclass(frozen=True)
class Pressed(Generic[T]):
    """A state of a plan that was sent.

    Attributes:
        tag, state: What was handed over; what the limits forbid was not pressed of it.
        due, began, at: As of ``Sent``.
    """

    tag: T
    state: GamepadState
    due: float
    began: float
    at: float
