"""A chunk beside the frame that it answers: what was pressed, and what a policy would press."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.actions import TOKENS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.policy.actions import DecodedChunk

SHOWN = 192
"""Side of a picture on the page, in pixels."""
CELL, LANE, NAMES = 14, 7, 120
"""Width of an action, height of one side's lane, and width of the names, in pixels."""
PLOT = 70
"""Side of a stick's plot."""
WAS, SAYS = "var(--one)", "var(--two)"


def picture(frame: NDArray[np.uint8], name: str) -> str:
    """A frame, ``S x S x 3``, as an image that is part of the page.

    Args:
        frame: RGB.
        name: What it is, for who cannot see it; text of ours.
    """
    import cv2

    _, png = cv2.imencode(".png", np.ascontiguousarray(frame[..., ::-1]))
    data = base64.b64encode(png.tobytes()).decode("ascii")
    return f'<img width="{SHOWN}" height="{SHOWN}" alt="{name}" src="data:image/png;base64,{data}">'


def chunk(was: DecodedChunk, says: DecodedChunk) -> str:
    """Both chunks of T actions as SVG: a lane each for every button that either presses, then the
    way of each stick, whose end has a dot."""
    used = np.flatnonzero((was.buttons | says.buttons).any(0))
    steps = len(was.buttons)
    width = max(NAMES + steps * CELL, 2 * (PLOT + 20)) + 10
    top, row = 22, 2 * LANE + 6
    parts = [
        f'<rect x="0" y="4" width="10" height="10" fill="{WAS}"/><text x="15" y="13">pressed</text>'
        f'<rect x="80" y="4" width="10" height="10" fill="{SAYS}"/>'
        '<text x="95" y="13">predicted</text>'
    ]
    for number, token in enumerate(used):
        y = top + number * row
        parts.append(f'<text x="0" y="{y + 12}">{TOKENS[token]}</text>')
        for lane, (side, colour) in enumerate(((was, WAS), (says, SAYS))):
            parts += [
                f'<rect x="{NAMES + step * CELL}" y="{y + lane * LANE}" width="{CELL - 1}" '
                f'height="{LANE - 1}" fill="{colour if on else "var(--line)"}"/>'
                for step, on in enumerate(side.buttons[:, token])
            ]
    y = top + len(used) * row + 8
    for number, (name, one, other) in enumerate(
        (("left stick", was.j_left, says.j_left), ("right stick", was.j_right, says.j_right))
    ):
        parts.append(_stick(name, number * (PLOT + 20), y, one, other))
    height = y + PLOT + 22
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f"<title>Pressed and predicted actions</title>{''.join(parts)}</svg>"
    )


def _stick(
    name: str, left: int, top: int, was: NDArray[np.float32], says: NDArray[np.float32]
) -> str:
    half = PLOT / 2
    parts = [
        f'<circle cx="{left + half}" cy="{top + half}" r="{half}" fill="none" '
        f'stroke="var(--line)"/><text x="{left}" y="{top + PLOT + 16}">{name}</text>'
    ]
    for path, colour, dash in ((was, WAS, ""), (says, SAYS, "4 2")):
        points = [(left + half * (1 + x), top + half * (1 + y)) for x, y in path.tolist()]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        x, y = points[-1]
        parts.append(
            f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.8" '
            f'stroke-dasharray="{dash}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
        )
    return "".join(parts)
