"""What was measured of a policy with other numbers of Euler steps (``python -m benchmarks.steps``).

Rows are kept in the policy's card, or in its checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from nitropilot.policy.euler import MOST

if TYPE_CHECKING:
    from collections.abc import Iterable

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
