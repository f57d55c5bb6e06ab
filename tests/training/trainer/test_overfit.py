"""64 samples, learned by heart: objective, network, optimiser and data fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.policy import load_policy
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.trainer.files import NEWEST
from nitropilot.training.trainer.preparing import prepare
from nitropilot.training.trainer.running import train
from nitropilot.training.trainer.scoring import score
from tests.training.making import recording, small_policy, told

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
SAMPLES = 64
STEPS = 4000
"""160 seconds of one core."""
LEARNED = ("SOUTH", "RIGHT_TRIGGER")


def test_64_samples_are_learned_by_heart(tmp_path: Path) -> None:
    """Loss under 1e-3 by the averaged weights in the file, and the chunks come back.

    Channels that the recording never uses are masked, so that the loss is of those that it does.
    """
    recording(tmp_path / "data", 0, SAMPLES + 4)
    small_policy(tmp_path / "small.safetensors")
    config = told(
        tmp_path, steps=STEPS, batch_size=64, learning_rate=5e-3, warm_up=20, decay=0.7, beta2=0.99,
        ema=0.99, unused_weight=0.0, log_every=200, save_every=10**6,
    )  # fmt: skip
    train(config, tmp_path / "out", lambda told: print(told.text))
    prepared = prepare(config, tmp_path / "out")
    assert len(prepared.dataset) == SAMPLES
    policy = load_policy(tmp_path / "out" / NEWEST)
    everything = list(range(SAMPLES))
    scores = score(
        policy, prepared.dataset, everything, TimeDistribution(), SAMPLES, prepared.device
    )
    print(scores)
    assert scores.loss < 1e-3
    assert [scores.f1[name] for name in LEARNED] == [1.0, 1.0]
    batch = prepared.dataset.batch(everything)
    noise = torch.randn(batch.actions.shape, generator=torch.Generator().manual_seed(0))
    chunks = policy.sample(batch.images(), noise).numpy()
    used = prepared.dataset.used
    assert np.square(chunks - batch.actions.numpy())[..., used].mean() < 1e-3
