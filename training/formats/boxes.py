"""Where on the picture the published set says that an overlay and the game are.

Its writers differ: an overlay is ``[x, y, w, h]`` in pixels of the original video and may stick
out of it; a game's area is ``{xtl, ytl, xbr, ybr}`` in shares, or ``{x, y, w, h}`` or
``[x, y, w, h]`` in shares or in pixels.  Numbers of at most 1 are shares.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nitropilot.records.errors import DamagedRecording
from nitropilot.training.formats.view import Box

if TYPE_CHECKING:
    from pathlib import Path

CORNERS, SIDES = ("xtl", "ytl", "xbr", "ybr"), ("x", "y", "w", "h")


def overlay(said: Any, size: Any, chunk: Path) -> tuple[Box, ...]:
    """What is to be blackened: the controller that is drawn over the game, if there is one.

    Args:
        said: ``bbox_controller_overlay`` of the metadata.
        size: ``resolution`` of the original video, height and width.
        chunk: For messages.

    Raises:
        DamagedRecording: It is no box.
    """
    box = _box(said, size, chunk, "bbox_controller_overlay")
    return () if box is None else (box,)


def game_area(said: Any, size: Any, chunk: Path) -> Box | None:
    """The part of the picture that is the game; None where it is all of it.

    Raises:
        DamagedRecording: It is no box.
    """
    box = _box(said, size, chunk, "bbox_game_area")
    return None if box == (0.0, 0.0, 1.0, 1.0) else box


def _box(said: Any, size: Any, chunk: Path, what: str) -> Box | None:
    """A box in shares, cut at the edges; None where none is given, or an empty one."""
    if said is None:
        return None
    cornered = isinstance(said, dict) and CORNERS[0] in said
    names = CORNERS if cornered else SIDES
    values = [said.get(name) for name in names] if isinstance(said, dict) else said
    if not (isinstance(values, list) and len(values) == 4 and all(map(_finite, values))):
        raise DamagedRecording(f"{chunk} has a {what} that is no box: {said!r}")
    left, top, right, bottom = values if cornered else _from_sides(values)
    if max(abs(value) for value in values) > 1:
        if not (
            isinstance(size, list) and len(size) == 2 and all(_finite(s) and s > 0 for s in size)
        ):
            raise DamagedRecording(f"{chunk} has a {what} in pixels of a video of size {size!r}")
        height, width = size
        left, right, top, bottom = left / width, right / width, top / height, bottom / height
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in (left, top, right, bottom))
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def _from_sides(values: list[float]) -> tuple[float, float, float, float]:
    x, y, width, height = values
    return x, y, x + width, y + height


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
