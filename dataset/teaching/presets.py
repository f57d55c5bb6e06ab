"""Which networks there are, and how each is trained: all numbers of the recipes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from nitropilot.dataset.errors import ParserSettings
from nitropilot.dataset.parsing.shape import Shape

SMALL = Shape()
SEGFORMER = Shape(
    "segformer", (32, 64, 160, 256), (2, 2, 2, 2), features=96, fine=32, heads=(1, 2, 5, 8)
)
"""As SegFormer-B0 (Xie et al. 2021), 3.3 million weights."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        preset: Its name.
        shape: Of the network.
        minutes: How long; None: until ``samples``.
        samples: How many samples are seen, by all trainers; None: until ``minutes`` are over.
        batch: Samples of a step, of one trainer.
        rate: The highest learning rate.
        warm_up: Steps until it is reached.
        weight_decay: Of AdamW.
        average: How much of the averaged weights a step keeps.
        dense: How much counts where each element is, and whether it is lit there; 0: not taught.
        recolour: Share of samples whose colours are exchanged.
        together: Steps after which trainers meet.
        block: Samples of one stream, from its seed on.
        mixed: Samples among which the next one is drawn.
        trials: How often it is tried on styles that are held out.
        held_out: Samples of such a trial.
        seed: Of all.
    """

    preset: str = "small"
    shape: Shape = SMALL
    minutes: float | None = 90.0
    samples: int | None = None
    batch: int = 64
    rate: float = 2e-3
    warm_up: int = 200
    weight_decay: float = 0.02
    average: float = 0.998
    dense: float = 1.0
    recolour: float = 0.25
    together: int = 16
    block: int = 8192
    mixed: int = 512
    trials: int = 8
    held_out: int = 1024
    seed: int = 0

    def steps(self, trainers: int) -> int | None:
        """Of each trainer; None where time decides."""
        if self.samples is None:
            return None
        return max(-(-self.samples // (self.batch * trainers)), 1)

    def plain(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


PRESETS: dict[str, Recipe] = {
    "small": Recipe(),
    "segformer": Recipe(
        "segformer", SEGFORMER, minutes=None, samples=8_000_000, batch=256, rate=6e-4,
        warm_up=1500, weight_decay=0.01, average=0.9995, block=16384, trials=40,
    ),
    "tiny": Recipe(
        "tiny", Shape(widths=(8, 12, 16, 24), features=16, fine=8), minutes=2.0, batch=16,
        warm_up=10, block=256, mixed=64, trials=2, held_out=64,
    ),
}  # fmt: skip
"""``small`` is for 90 minutes of two cores; ``segformer`` for a GPU: the paper's 8 million frames;
``tiny`` shows that all is in place."""


def recipe_of(
    preset: str, minutes: float | None = None, samples: int | None = None, **others: Any
) -> Recipe:
    """A preset, for another length where one is asked for.

    Args:
        preset: Its name.
        minutes: How long.
        samples: Or for how many samples.
        others: Fields of ``Recipe``, or ``reference`` of its shape.

    Raises:
        ParserSettings: There is none of that name, or it cannot be so.
    """
    if preset not in PRESETS:
        raise ParserSettings(
            f"there is no preset {preset!r}", f"presets are {', '.join(sorted(PRESETS))}"
        )
    if minutes is not None and samples is not None:
        raise ParserSettings("minutes and samples are both given", "give one of them")
    for name, value in (("minutes", minutes), ("samples", samples)):
        if value is not None and not value > 0:
            raise ParserSettings(f"training of {value:g} {name} learns nothing",
                                 "give more than 0")  # fmt: skip
    recipe = PRESETS[preset]
    if "reference" in others:
        recipe = replace(
            recipe, shape=replace(recipe.shape, reference=bool(others.pop("reference")))
        )
    if minutes is not None or samples is not None:
        recipe = replace(recipe, minutes=minutes, samples=samples)
    return replace(recipe, **others)
