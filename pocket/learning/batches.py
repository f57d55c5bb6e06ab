"""The batches of a step: a share of each game, and of each game a share of the driven rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from nitropilot.pocket.samples.actions import channels_of
from nitropilot.pocket.samples.charts import by_patch
from nitropilot.pocket.samples.pool import Samples, joined
from nitropilot.policy.sizes import PATCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from nitropilot.pocket.samples.pool import Pool


class Taught(NamedTuple):
    """A batch.

    Attributes:
        images: ``B x 1 x 3 x S x S`` in [-1, 1].
        charts: ``B x L x KINDS x cells``: what is where, by patch.
        actions: ``B x T x A`` in [0, 1].
    """

    images: Tensor
    charts: Tensor
    actions: Tensor


def batch(
    rng: np.random.Generator,
    size: int,
    shares: Mapping[str, float],
    recorded: Mapping[str, list[Pool]],
    driven: Mapping[str, list[Pool]],
    driven_share: float,
    shift: int,
) -> Taught:
    """Draw a batch.

    Args:
        rng: Of the step.
        size: B.
        shares: Of each game; together 1.
        recorded: Pools of each game.
        driven: Pools of the rounds of each game; may be empty.
        driven_share: What these have of a game's pictures, where there are any.
        shift: Most pixels by which a picture is moved.
    """
    games = list(shares)
    parts: list[Samples] = []
    turns = rng.choice(len(games), size, p=list(shares.values()))
    for place, game in enumerate(games):
        count = int((turns == place).sum())
        late = int(rng.binomial(count, driven_share)) if driven.get(game) else 0
        for pools, some in ((recorded[game], count - late), (driven.get(game, []), late)):
            picks = rng.integers(len(pools), size=some) if some else np.empty(0, int)
            for number in np.unique(picks):
                pool = pools[number]
                numbers = pool.draw(rng, int((picks == number).sum()))
                parts.append(Samples(*(kind[numbers] for kind in pool.samples)))
    drawn = joined(parts)
    images = torch.from_numpy(drawn.frames).permute(0, 3, 1, 2).float()
    moved = _moved(images, rng, shift)
    return Taught(
        moved.mul_(2.0 / 255.0).sub_(1.0)[:, None],
        by_patch(drawn.charts, images.shape[-1] // PATCH),
        torch.from_numpy(channels_of(drawn.actions)),
    )


def _moved(images: Tensor, rng: np.random.Generator, most: int) -> Tensor:
    """Each picture moved by some pixels of its own; what comes in is its edge."""
    if not most:
        return images.contiguous()
    side = images.shape[-1]
    wide = F.pad(images, (most,) * 4, mode="replicate")
    rows, columns = rng.integers(0, 2 * most + 1, (2, len(images)))
    return torch.stack(
        [
            picture[:, row : row + side, column : column + side]
            for picture, row, column in zip(wide, rows, columns, strict=True)
        ]
    )
