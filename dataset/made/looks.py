"""How the controller of a made video looks: which skin, where, how large, how opaque."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.dataset.pose import Pose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from nitropilot.dataset.templates.template import Template

NARROWEST, WIDEST = 0.28, 0.42
"""Widths, in shares of the picture's: as those who stream choose them."""
HIGHEST = 0.4
"""Share of the picture's height that no controller is higher than."""
EDGE = 0.03
"""Shares of the picture between its edge and the controller, at most."""
WHOLE = 0.5
"""Share of the videos whose controller is not translucent."""
FAINTEST = 0.6
"""Opacity of the others, at least."""


@dataclass(frozen=True, eq=False)
class Look:
    """A controller in a video.

    Attributes:
        template: Its skin.
        pose: Where it is.
        opacity: How much of it is seen, 0 to 1.
    """

    template: Template
    pose: Pose
    opacity: float


def drawn_look(rng: Generator, templates: Sequence[Template], width: int, height: int) -> Look:
    """A look by chance: in one of the four corners, as large as people have it.

    Args:
        rng: Decides all.
        templates: The skins.
        width: Of the picture, in pixels.
        height: The same.
    """
    template = templates[int(rng.integers(len(templates)))]
    scale = rng.uniform(NARROWEST, WIDEST) * width / template.width
    scale = min(scale, HIGHEST * height / template.height)
    right, bottom = rng.integers(2, size=2).tolist()
    x, y = rng.uniform(0, EDGE, 2) * (width, height)
    if right:
        x = width - scale * template.width - x
    if bottom:
        y = height - scale * template.height - y
    opacity = 1.0 if rng.random() < WHOLE else float(rng.uniform(FAINTEST, 1.0))
    return Look(template, Pose(float(scale), float(x), float(y)), round(opacity, 3))
