"""The pictures of this folder as a policy sees them.

64 of them are to measure activations on, for numbers of 8 bits need to know how large what they
stand for can get; the others are to check the outcome on, and are never measured on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.engines.errors import EngineError
from nitropilot.policy.observation import observe

if TYPE_CHECKING:
    from nitropilot.engines.base import Array

FOLDER = Path(__file__).parent
MEASURED, CHECKED = 64, 8
"""Pictures to measure on, and to check with."""


def pictures_to_measure(side: int) -> Array:
    """``64 x 3 x S x S`` in [-1, 1].

    Raises:
        EngineError: They are not there.
    """
    return _pictures(side)[:MEASURED]


def pictures_to_check(side: int) -> Array:
    """``8 x 3 x S x S`` in [-1, 1], other ones.

    Raises:
        EngineError: They are not there.
    """
    return _pictures(side)[MEASURED:]


def _pictures(side: int) -> Array:
    # Every ninth one of the sorted names is set aside, so that both parts are of all games.
    paths = sorted(FOLDER.glob("*.webp"))
    aside = paths[:: 1 + MEASURED // CHECKED]
    ordered = [path for path in paths if path not in aside] + aside
    found = [picture for path in ordered if (picture := cv2.imread(str(path))) is not None]
    if len(found) != MEASURED + CHECKED:
        raise EngineError(
            f"{len(found)} of {MEASURED + CHECKED} pictures to measure with are in {FOLDER}",
            "install NitroPilot again, or leave --precision out",
        )
    frames = [observe(np.ascontiguousarray(one[:, :, ::-1]), side)[0] for one in found]
    return np.stack(frames)
