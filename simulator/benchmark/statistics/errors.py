"""What can go wrong in statistics.

StatisticsUnavailable    SciPy is not installed
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class StatisticsUnavailable(NitroPilotError):
    """Intervals and tests need SciPy, which an extra brings."""

    code = "statistics_unavailable"


def no_scipy() -> StatisticsUnavailable:
    """The error of whoever needs it."""
    return StatisticsUnavailable(
        "intervals and tests need SciPy, which is not installed",
        "pip install 'nitropilot[simulator]'",
    )
