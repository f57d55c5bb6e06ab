"""The network with all that it keeps, against one that keeps nothing (``naive``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.policy import load_policy
from tests.policy.checkpoints import MICRO
from tests.policy.network import naive
from tests.policy.samples import (
    NAMES,
    checkpoint,
    fixture_policy,
    movement_error,
    reference,
    relative_error,
)

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy

SAME = 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_what_each_step_would_compute(
    policies: dict[str, Policy], name: str
) -> None:
    """Keys kept from another step or sample give smooth, plausible, wrong actions."""
    wanted, file, policy = reference(name), checkpoint(name), policies[name]
    row = policy.games[wanted.game] if wanted.game else None
    slow = naive.sample(
        file["model"], file["ckpt_config"], wanted.images[0], wanted.noise[0], row=row
    )
    found = policy.sample(wanted.images, wanted.noise, game=wanted.game)[0]
    assert movement_error(found, slow, wanted.noise[0]) < SAME


@pytest.mark.parametrize(
    ("game", "row", "frames", "cfg_scale", "steps"),
    [
        ("pong", 1, 2, 1.0, None),
        (None, 0, 2, 1.0, 7),
        ("pong", 1, 1, 1.0, None),
        ("pong", 1, 2, 2.5, None),
        ("pong", 1, 1, 0.5, 5),
    ],
)
def test_the_micro_policy_equals_the_naive_network(
    pt: Path,
    weights: dict[str, torch.Tensor],
    game: str | None,
    row: int,
    frames: int,
    cfg_scale: float,
    steps: int | None,
) -> None:
    """Several heads, padding, dropped frames and guidance, which no reference has together."""
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(1, 2, 3, 32, 32, generator=generator) * 2 - 1
    noise = torch.randn(1, 4, 25, generator=generator)
    found = load_policy(pt).sample(
        images, noise, game=game, dropped=2 - frames, cfg_scale=cfg_scale, steps=steps
    )
    slow = naive.sample(
        weights, MICRO, images[0, 2 - frames :], noise[0], row=row, cfg_scale=cfg_scale, steps=steps
    )
    assert movement_error(found[0], slow, noise[0]) < SAME


def test_sinusoidal_positions_come_from_the_file() -> None:
    """A table recomputed on our side would hide that the file holds another."""
    wanted, policy = reference("sinusoidal_padded"), fixture_policy("sinusoidal_padded")
    table = policy.get_submodule("model.transformer_blocks.1.pos_embed").get_buffer("pe")
    table.zero_()
    found = policy.sample(wanted.images, wanted.noise)
    assert relative_error(found, wanted.actions) > 1e-3
