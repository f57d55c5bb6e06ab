"""What is believed of a policy's answer: ``T x 20`` finite numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.simulator.benchmark.policies.errors import RUBBISH, PolicyFailed
from nitropilot.simulator.environments.actions import HIGH, LOW, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Actions = NDArray[np.float32]

LONGEST = 1024
"""Actions in an answer; 17 seconds."""
WANTED = f"it is T x {WIDTH} finite numbers, T from 1 to {LONGEST}"


def checked_answer(answer: Any) -> Actions:
    """An answer as ``T x 20`` float32, clipped to the environment's space.

    Raises:
        PolicyFailed: It is something else.
    """
    try:
        values = np.asarray(answer)
    except (TypeError, ValueError) as error:
        raise PolicyFailed(RUBBISH, f"the answer is no array: {error}", WANTED) from None
    if values.dtype.kind not in "bifu":
        raise PolicyFailed(RUBBISH, f"the answer is {_shown(answer)}", WANTED)
    if values.ndim != 2 or values.shape[1] != WIDTH or not 1 <= len(values) <= LONGEST:
        raise PolicyFailed(RUBBISH, f"the answer has the shape {values.shape}", WANTED)
    if not np.isfinite(values).all():
        row, place = (int(each[0]) for each in np.nonzero(~np.isfinite(values)))
        raise PolicyFailed(
            RUBBISH,
            f"number {place} of action {row} of the answer is {values[row, place]}",
            WANTED,
        )
    return values.clip(LOW, HIGH).astype(np.float32)


def _shown(answer: Any) -> str:
    text = f"a {type(answer).__name__}"
    return text if answer is None else f"{text}, {str(answer)[:60]!r}"
