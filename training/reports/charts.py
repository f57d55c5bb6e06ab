"""Curves as SVG, drawn in the colours of the page."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 520, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 30, 40
TICKS = 5
COLOURS = ("--one", "--two", "--three", "--four")
DASHES = ("", "6 3", "2 3", "8 3 2 3")
"""No curve is told from another by its colour alone."""
DOTS = 40
"""Of so few points each is shown."""


def chart(
    title: str, across: str, curves: Mapping[str, Points], frame: tuple[float, float] | None = None
) -> str:
    """Curves over one axis.

    Args:
        title: What is shown; the figure's name for who cannot see it.
        across: What the axis below is.
        curves: Points by name, left to right; those that are not finite are left out.
        frame: Between which values both axes run; None: as the points do.

    Returns:
        Markup; "" where there is no point.
    """
    kept = {
        name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        for name, points in curves.items()
    }
    every = [point for points in kept.values() for point in points]
    if not every:
        return ""
    xs, ys = (_span([point[axis] for point in every], frame) for axis in (0, 1))
    inner = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - xs[0]) / (xs[1] - xs[0]) * inner[0],
            TOP + (ys[1] - y) / (ys[1] - ys[0]) * inner[1],
        )

    parts = []
    for value in ticks(*ys):
        _, y = at(xs[0], value)
        parts += [
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="var(--line)"/>',
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>',
        ]
    for value in ticks(*xs):
        x, _ = at(value, ys[0])
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
                     f"{value:g}</text>")  # fmt: skip
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
                 f"{escape(across)}</text>")  # fmt: skip
    place = float(LEFT)
    for number, (name, points) in enumerate(kept.items()):
        line = (
            f'stroke="var({COLOURS[number % len(COLOURS)]})" '
            f'stroke-dasharray="{DASHES[number % len(DASHES)]}"'
        )
        drawn = [at(*point) for point in points]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        parts.append(f'<polyline points="{way}" fill="none" stroke-width="1.8" {line}/>')
        if len(drawn) <= DOTS:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="none" {line}/>'
                      for x, y in drawn]  # fmt: skip
        parts.append(f'<path d="M{place} 14h22" stroke-width="2" {line}/>'
                     f'<text x="{place + 27}" y="18">{escape(name)}</text>')  # fmt: skip
        place += 45 + 7 * len(name)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def ticks(low: float, high: float) -> list[float]:
    """Round values from low to high, about ``TICKS`` of them."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{each * step:.12g}") for each in range(first, last + 1)]


def _span(values: Sequence[float], frame: tuple[float, float] | None) -> tuple[float, float]:
    if frame is not None:
        return frame
    low, high = min(values), max(values)
    spare = (high - low) * 0.04 or max(abs(low), 1e-6) * 0.05
    return low - spare, high + spare
