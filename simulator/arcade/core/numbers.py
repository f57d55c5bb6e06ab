"""Whole-number maths: the same on every machine, to the last bit."""

from __future__ import annotations

from math import isqrt

ONE = 256
"""Parts of a pixel in which worlds count."""
CANVAS = 256
"""Pixels along a side of a picture."""


def share(value: int, part: int, whole: int) -> int:
    """``value * part / whole``, rounded towards 0, so that left and right are alike."""
    product = value * part
    return product // whole if product >= 0 else -(-product // whole)


def clamp(value: int, low: int, high: int) -> int:
    """The nearest number within these bounds."""
    return max(low, min(high, value))


def towards(x: int, y: int, length: int) -> tuple[int, int]:
    """The vector of this length in the direction of ``(x, y)``; (0, 0) stays."""
    long = isqrt(x * x + y * y)
    return (share(x, length, long), share(y, length, long)) if long else (0, 0)


def limited(x: int, y: int, length: int) -> tuple[int, int]:
    """The vector itself, or where it is longer, cut to this length."""
    return towards(x, y, length) if x * x + y * y > length * length else (x, y)


def apart(x: int, y: int) -> int:
    """Length of a vector."""
    return isqrt(x * x + y * y)


def approach(value: int, goal: int, step: int) -> int:
    """``value`` moved towards ``goal`` by at most ``step``."""
    return min(value + step, goal) if value < goal else max(value - step, goal)
