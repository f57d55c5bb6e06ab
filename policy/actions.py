"""The 25 channels of an action and how they are read.

Channels 0 to 20 are buttons, pressed above 0.5, in the order of ``TOKENS``; 21 and 22
are the left stick's x and y, 23 and 24 the right stick's, stored as ``(v + 1) / 2``
with y growing downward.  The old layout has the four stick channels first.
"""

from __future__ import annotations

from dataclasses import dataclass
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


def decode(actions: ArrayLike, *, old_layout: bool = False) -> DecodedChunk:
    """Read a chunk.

    Args:
        actions: ``T x 25`` raw channels; more leading dimensions are kept.
        old_layout: The stick channels come first.

    Raises:
        ObservationError: The last dimension is not 25, or a number is not finite.
    """
    raw = np.asarray(actions, dtype=np.float32)
    if raw.ndim < 2 or raw.shape[-1] != ACTION_DIM:
        raise ObservationError(f"actions are {raw.shape}", f"expected T x {ACTION_DIM}")
    if not np.isfinite(raw).all():
        raise ObservationError("actions hold numbers that are not finite")
    if old_layout:
        sticks, buttons = raw[..., :STICK_CHANNELS], raw[..., STICK_CHANNELS:]
    else:
        buttons, sticks = raw[..., : len(TOKENS)], raw[..., len(TOKENS) :]
    axes = 2.0 * np.clip(sticks, 0.0, 1.0) - 1.0  # the other order may overflow
    return DecodedChunk(axes[..., :2], axes[..., 2:], buttons > PRESSED_ABOVE)
