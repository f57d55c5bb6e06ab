"""Policies with random weights: the real architecture, and no secret about it."""

from __future__ import annotations

import logging

import pytest
import torch

from nitropilot.policy import PolicyError, open_policy, random_policy
from nitropilot.policy.config import parse_config
from nitropilot.policy.files.checkpoint import count_parameters
from nitropilot.policy.network.policy import Policy
from nitropilot.policy.network.random_weights import architecture
from tests.policy.samples import relative_error

PUBLISHED = 493.6e6
LOGGER = "nitropilot.policy"


def test_full_is_the_published_architecture() -> None:
    """A benchmark on another size would be reported under the published one's name."""
    config, sizes = architecture("full")
    with torch.device("meta"):
        policy = Policy(parse_config(config), sizes)
    width, hidden = 1024, sizes.vision_mlp
    attention = 4 * width * width + 4 * width
    mlp = 2 * width * hidden + hidden + width
    pooling_head = width + attention + 2 * width + mlp
    assert abs(count_parameters(policy) + pooling_head - PUBLISHED) < 0.05e6
    model = policy.config.model_cfg
    assert (policy.image_size, policy.horizon, policy.action_dim, policy.steps) == (256, 18, 25, 16)
    timeline = policy.config.modality_cfg
    assert (timeline.action_shift, timeline.frame_spacing) == (3, 18), "as it was trained"
    assert model.vision_heads == model.diffusion_model_cfg.num_attention_heads == 16
    assert len(policy.vision_encoder.encoder.layers) == 24
    assert len(policy.vl_self_attention_model.transformer_blocks) == 4
    assert len(policy.model.transformer_blocks) == 8


def test_it_says_that_it_is_random(caplog: pytest.LogCaptureFixture) -> None:
    """A demo that plays at random and does not say so is a fake."""
    with caplog.at_level(logging.WARNING, LOGGER):
        policy = random_policy("tiny", 4)
    assert policy.is_random
    assert policy.name == "random:tiny (seed 4)"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "random weights" in caplog.text


def test_a_seed_always_gives_the_same_policy() -> None:
    """Engines are compared, and caches kept, by fingerprint."""
    one, same, other = random_policy("tiny", 1), random_policy("tiny", 1), random_policy("tiny", 2)
    assert one.fingerprint == same.fingerprint != other.fingerprint
    for key, value in one.state_dict().items():
        assert torch.equal(value, same.state_dict()[key]), key
    assert not torch.equal(one.model.proj_out_2.weight, other.model.proj_out_2.weight)


def test_making_one_leaves_the_global_generator_alone() -> None:
    """Loading a policy must not repeat the random numbers of whoever loads it."""
    before = torch.random.get_rng_state()
    random_policy("tiny", 9)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_its_actions_are_sane_and_follow_the_picture() -> None:
    """Weights of a bad scale give NaN, or a network that is blind to its input."""
    policy = random_policy("tiny", 0)
    noise = torch.randn(1, 16, 25, generator=torch.Generator().manual_seed(0))
    images = torch.rand(1, 1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    actions = policy.sample(images, noise)
    assert actions.isfinite().all()
    assert actions.abs().max() < 100
    assert relative_error(policy.sample(-images, noise), actions) > 0.01
    assert count_parameters(policy) < 1e6


def test_a_command_names_it() -> None:
    """``random:tiny:7`` on the command line is seed 7 and nothing else."""
    assert open_policy("random:tiny:7").name == "random:tiny (seed 7)"
    assert open_policy("random:tiny").name == "random:tiny (seed 0)"


@pytest.mark.parametrize(
    "text", ["random:huge", "random:", "random:tiny:x", "random:tiny:-1", f"random:tiny:{2**64}"]
)
def test_other_names_are_refused(text: str) -> None:
    """A typing slip must not fall back to some other policy."""
    with pytest.raises(PolicyError) as caught:
        open_policy(text)
    assert caught.value.hint
