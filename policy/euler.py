"""How many Euler steps a policy's sampler takes: what may be asked for, and what was measured.

A checkpoint says how many it takes.  Fewer are quicker and may play worse; how much worse is
measured (``python -m benchmarks.steps``) and kept as rows in the policy's card or its checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from nitropilot.policy.errors import PolicyError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST: Final = 64
"""Steps that can be asked for: all of them become one graph, which grows with each."""
AUTO: Final = "auto"

Steps = int | Literal["auto"]
"""A number of Euler steps, or ``auto``: see ``agent.session.steps``."""
Share = Annotated[float, Field(ge=0, le=1)]


class StepsRow(BaseModel):
    """How a policy plays with so many steps; measured, never reckoned.

    Attributes:
        steps: Of the sampler.
        actions: Played of each chunk.
        success: Share of the levels that were won.
        progress: Mean over the levels.
        levels: How many were played.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    steps: Annotated[int, Field(ge=1, le=MOST)]
    actions: Annotated[int, Field(ge=1, le=1024)]
    success: Share
    progress: Share
    levels: Annotated[int, Field(ge=1)]


def require_once(rows: Iterable[StepsRow]) -> None:
    """Raise ``ValueError`` where a choice was measured twice."""
    seen: set[tuple[int, int]] = set()
    for row in rows:
        if (row.steps, row.actions) in seen:
            raise ValueError(f"{row.steps} steps with {row.actions} actions are there twice")
        seen.add((row.steps, row.actions))


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
