"""Warm-up, stable, decay: how the learning rate goes (Hu et al. 2024, MiniCPM)."""

from __future__ import annotations


def factor(step: int, done: float, warm_up: int, decay: float) -> float:
    """What the learning rate is multiplied with.

    It rises in a straight line over the first steps, stays, and falls in a straight line to 0 over
    the last share of the run.  The end is told as a share, so that a run may be so many steps or
    so many minutes long.

    Args:
        step: Steps that were done before this one.
        done: How much of the run that is, 0 to 1.
        warm_up: Steps of the rise.
        decay: Share of the run that the fall takes, 0 to 1.
    """
    rise = min((step + 1) / (warm_up + 1), 1.0)
    fall = min((1.0 - done) / decay, 1.0) if decay > 0 else 1.0
    return min(rise, max(fall, 0.0))
