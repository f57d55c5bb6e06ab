"""The widths that an action has, and how each is read and written: see docs/actions.md.

A checkpoint's action has 25 channels: 21 buttons, pressed above 0.5, in the order of
``TOKENS``, then the left stick's x and y and the right stick's, stored as ``(v + 1) / 2`` with
y growing downward.  The old layout has the four stick channels first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.errors import ObservationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TOKENS = (
    "BACK", "DPAD_DOWN", "DPAD_LEFT", "DPAD_RIGHT", "DPAD_UP", "EAST", "GUIDE",
    "LEFT_SHOULDER", "LEFT_THUMB", "LEFT_TRIGGER", "NORTH", "RIGHT_BOTTOM", "RIGHT_LEFT",
    "RIGHT_RIGHT", "RIGHT_SHOULDER", "RIGHT_THUMB", "RIGHT_TRIGGER", "RIGHT_UP", "SOUTH",
    "START", "WEST",
)  # fmt: skip
FLICKS: dict[str, tuple[float, float]] = {
    "RIGHT_BOTTOM": (0.0, 1.0),
    "RIGHT_LEFT": (-1.0, 0.0),
    "RIGHT_RIGHT": (1.0, 0.0),
    "RIGHT_UP": (0.0, -1.0),
}
"""Tokens that stand for the right stick at its edge, which is where they move it; y down."""
STICK_CHANNELS = 4
ACTION_DIM = len(TOKENS) + STICK_CHANNELS
PRESSED_ABOVE = 0.5


@dataclass(frozen=True, eq=False)
class DecodedChunk:
    """A chunk of T actions, read.

    Attributes:
        j_left: Left stick, ``T x 2`` in [-1, 1], y down.
        j_right: Right stick, ``T x 2`` in [-1, 1], y down.
        buttons: ``T x 21`` bool, in the order of ``TOKENS``.
    """

    j_left: NDArray[np.float32]
    j_right: NDArray[np.float32]
    buttons: NDArray[np.bool_]

    def pressed(self, step: int) -> set[str]:
        """Names of the tokens that action ``step`` presses."""
        return {TOKENS[i] for i in np.flatnonzero(self.buttons[step])}


@dataclass(frozen=True)
class Layout:
    """Which channel of an action is what.

    Attributes:
        tokens: Its buttons, in order; a part of ``TOKENS``.
        sticks_first: The stick channels come before the buttons.
        halved: A stick is stored as ``(v + 1) / 2``, otherwise as it is.
    """

    tokens: tuple[str, ...]
    sticks_first: bool = False
    halved: bool = True

    @property
    def width(self) -> int:
        """Channels of an action."""
        return len(self.tokens) + STICK_CHANNELS

    @cached_property
    def _places(self) -> list[int]:
        return [TOKENS.index(token) for token in self.tokens]

    def read(self, actions: ArrayLike) -> DecodedChunk:
        """Read actions, ``T x width``; more leading dimensions are kept.

        Raises:
            ObservationError: The last dimension is another, or a number is not finite.
        """
        raw = np.asarray(actions, dtype=np.float32)
        if raw.ndim < 2 or raw.shape[-1] != self.width:
            raise ObservationError(f"actions are {raw.shape}", f"expected T x {self.width}")
        if not np.isfinite(raw).all():
            raise ObservationError("actions hold numbers that are not finite")
        if self.sticks_first:
            sticks, pressed = raw[..., :STICK_CHANNELS], raw[..., STICK_CHANNELS:]
        else:
            pressed, sticks = raw[..., :-STICK_CHANNELS], raw[..., -STICK_CHANNELS:]
        axes = np.clip(sticks, 0.0 if self.halved else -1.0, 1.0)  # first, or it may overflow
        axes = 2.0 * axes - 1.0 if self.halved else axes
        buttons = np.zeros((*raw.shape[:-1], len(TOKENS)), bool)
        buttons[..., self._places] = pressed > PRESSED_ABOVE
        return DecodedChunk(axes[..., :2], axes[..., 2:], buttons)

    def write(self, chunk: DecodedChunk) -> NDArray[np.float32]:
        """The reverse of ``read``, ``T x width``.

        A flick that has no channel moves the right stick; another button that has none is lost.
        """
        j_right = chunk.j_right if FLICKS.keys() <= set(self.tokens) else flicked(chunk)
        axes = np.concatenate([chunk.j_left, j_right], axis=-1, dtype=np.float32)
        sticks = (axes + 1.0) / 2.0 if self.halved else axes
        pressed = chunk.buttons[..., self._places].astype(np.float32)
        parts = [sticks, pressed] if self.sticks_first else [pressed, sticks]
        return np.concatenate(parts, axis=-1)


def flicked(chunk: DecodedChunk) -> NDArray[np.float32]:
    """The right stick with its flicks done, ``T x 2``: a flick counts more than the stick."""
    places = [TOKENS.index(token) for token in FLICKS]
    flicks = chunk.buttons[..., places]
    ways = np.array(list(FLICKS.values()), np.float32)
    moved = flicks.any(axis=-1, keepdims=True)
    return np.where(moved, flicks.astype(np.float32) @ ways, chunk.j_right).astype(np.float32)


CHECKPOINT = Layout(TOKENS)
OLD_CHECKPOINT = Layout(TOKENS, sticks_first=True)
PAPER = Layout(tuple(name for name in TOKENS if name != "GUIDE"))
LABELS = Layout(tuple(name for name in TOKENS if name not in FLICKS), halved=False)
"""The columns of the published labels in one row: 17 buttons, ``j_left``, ``j_right``."""
ENVIRONMENT = Layout(tuple(name for name in LABELS.tokens if name != "GUIDE"), halved=False)


def decode(actions: ArrayLike, *, old_layout: bool = False) -> DecodedChunk:
    """Read a checkpoint's chunk.

    Args:
        actions: ``T x 25`` raw channels; more leading dimensions are kept.
        old_layout: The stick channels come first.

    Raises:
        ObservationError: The last dimension is not 25, or a number is not finite.
    """
    return (OLD_CHECKPOINT if old_layout else CHECKPOINT).read(actions)
