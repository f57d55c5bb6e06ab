"""How many Euler steps a policy's sampler takes: what may be asked for.

A checkpoint says how many it takes.  Fewer are quicker and may play worse; how much worse is
measured and kept: see ``policy.steps_rows``.
"""

from __future__ import annotations

from typing import Final, Literal

from nitropilot.policy.errors import PolicyError, quoted

MOST: Final = 64
"""Steps that can be asked for: all of them become one graph, which grows with each."""
AUTO: Final = "auto"

Steps = int | Literal["auto"]
"""A number of Euler steps, or ``auto``: see ``agent.session.steps``."""


def parse_steps(text: str) -> Steps:
    """``auto``, or a number of Euler steps.

    Raises:
        PolicyError: It is neither.
    """
    if text == AUTO:
        return AUTO
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise PolicyError(f"steps is {quoted(text)}", f"use 1 to {MOST}, or {AUTO}")
    return check_steps(int(text))


def check_steps(steps: int) -> int:
    """The number itself.

    Raises:
        PolicyError: No sampler takes so many.
    """
    if not 1 <= steps <= MOST:
        raise PolicyError(f"steps is {steps}", f"use 1 to {MOST}, or {AUTO}")
    return steps
