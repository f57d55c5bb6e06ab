"""The objective: what the network is shown, what it is to answer, and how that is counted."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import stats

from nitropilot.policy import load_policy
from nitropilot.training.batch import Batch
from nitropilot.training.objective.draws import FLOW, Dropout, draw
from nitropilot.training.objective.flow import (
    context_of,
    flow_loss,
    masked_error,
    noisy_actions,
    velocities,
)
from nitropilot.training.objective.times import TimeDistribution
from tests.policy.samples import fixture_policy, reference
from tests.training.making import small_policy

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy

TIMES = TimeDistribution()
GOLDEN = 1.4269627
"""Loss of ``fixture_policy("single_frame")`` below; a refactor does not change it."""


def made_up(policy: Policy, count: int = 3, seed: int = 1) -> Batch:
    """A batch of noise that fits a policy."""
    rng = np.random.default_rng(seed)
    side, actions = policy.image_size, (count, policy.horizon, policy.action_dim)
    games = torch.arange(count) % policy.sizes.game_rows if policy.sizes.game_rows else None
    pictures = rng.integers(0, 256, (count, policy.frames, 3, side, side), dtype=np.uint8)
    return Batch(
        torch.from_numpy(pictures),
        torch.from_numpy(rng.random(actions, np.float32)),
        torch.from_numpy((rng.random(actions) < 0.8).astype(np.float32)),
        None,
        games,
        tuple(range(count)),
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """A small policy with games."""
    folder = tmp_path_factory.mktemp("small")
    return load_policy(small_policy(folder / "small.safetensors", games=("squares",)))


def test_the_times_are_of_the_shifted_beta_distribution() -> None:
    """Other times train another policy: small ones, near the noise, come more often."""
    times = TIMES.draw(np.random.default_rng(0), (20_000,))
    assert times.min() >= 0
    assert times.max() <= 0.999
    closed = 0.999 * (1 - 1.5 / 2.5)
    assert times.mean() == pytest.approx(closed, abs=0.006)
    counts, edges = np.histogram(times, 20, (0, 0.999))
    shares = np.diff(1 - (1 - edges / 0.999) ** 1.5)  # the distribution of (1 - u) s, by hand
    assert stats.chisquare(counts, shares * len(times)).pvalue > 1e-3
    other = TimeDistribution(2.0, 3.0, 0.5).draw(np.random.default_rng(1), (5_000,))
    assert stats.kstest(1 - other / 0.5, stats.beta(2.0, 3.0).cdf).pvalue > 1e-3


def test_a_draw_depends_on_its_key_alone() -> None:
    """A run that is gone on with draws what the uninterrupted one would."""
    shape, drops = (4, 3, 25), Dropout(0.5, 0.5)
    one, other = (draw((7, FLOW, 12), shape, TIMES, drops) for _ in range(2))
    next_step = draw((7, FLOW, 13), shape, TIMES, drops)
    for name in ("noise", "times", "hide_game", "hide_actions"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    assert not torch.equal(one.noise, next_step.noise)
    assert not torch.equal(one.times, next_step.times)


def test_the_mixture_runs_from_noise_to_actions(small: Policy) -> None:
    """At t = 0 nothing of the actions may be seen, or playing begins elsewhere than training."""
    batch = made_up(small)
    shape = (len(batch), small.horizon, 25)
    drawn = draw((0, FLOW, 0), shape, TIMES)
    t = drawn.times[:, None, None]
    mixed = noisy_actions(batch.actions, drawn)
    torch.testing.assert_close(mixed, (1 - t) * drawn.noise + t * batch.actions)
    hidden = draw((0, FLOW, 0), shape, TIMES, Dropout(0, 1.0))
    assert torch.equal(noisy_actions(batch.actions, hidden), hidden.noise)


def test_masked_channels_do_not_count() -> None:
    """What nobody pressed for want of a pad must not be learned as rest."""
    answer, target = torch.tensor([[[1.0, 5.0]]]), torch.tensor([[[0.0, -5.0]]])
    assert float(masked_error(answer, target, torch.tensor([[[1.0, 0.0]]]))) == 1.0
    assert float(masked_error(answer, target, torch.tensor([[[3.0, 1.0]]]))) == 103 / 4
    assert float(masked_error(answer, target, torch.zeros(1, 1, 2))) == 0.0


@pytest.mark.parametrize("name", ["single_frame", "sinusoidal_padded", "two_frames_game"])
def test_training_and_playing_ask_the_same_network(name: str) -> None:
    """A velocity that differs from the sampler's trains a policy that nobody plays."""
    policy, given = fixture_policy(name), reference(name)
    kvs = policy.keys_values(given.images, given.game)[0]
    conditioning = policy.conditioning(policy.steps)
    times = torch.full((len(given.noise),), 0.0)
    with torch.no_grad():
        for step in (0, policy.steps // 2):
            times.fill_(step / policy.steps)
            wanted = policy.velocity(given.noise, step, kvs, conditioning)
            torch.testing.assert_close(velocities(policy, given.noise, times, kvs), wanted)
            each = times[:, None].expand(-1, policy.horizon)
            torch.testing.assert_close(velocities(policy, given.noise, each, kvs), wanted)


def test_each_sample_has_its_own_time(small: Policy) -> None:
    """One time for a whole batch would be a noisier objective than the paper's."""
    batch = made_up(small, 2)
    drawn = draw((3, FLOW, 0), (2, small.horizon, 25), TIMES)
    kvs = context_of(small, batch, drawn)
    both = velocities(small, drawn.noise, drawn.times, kvs)
    for place in range(2):
        alone = context_of(small, batch.only(place), drawn.only(place))
        its = drawn.only(place)
        one = velocities(small, its.noise, its.times, alone)
        torch.testing.assert_close(both[place : place + 1], one, rtol=1e-4, atol=1e-5)


def test_a_hidden_game_is_the_unconditional_one(small: Policy) -> None:
    """Guidance subtracts what the policy does when it is told no game."""
    batch = made_up(small)
    assert batch.games is not None and batch.games.any()
    shape = (len(batch), small.horizon, 25)
    hidden = draw((0, FLOW, 0), shape, TIMES, Dropout(game=1.0))
    told = draw((0, FLOW, 0), shape, TIMES, Dropout(game=0.0))
    none = Batch(batch.frames, batch.actions, batch.weights, None, batch.games * 0, batch.samples)
    with torch.no_grad():
        assert flow_loss(small, batch, hidden) == flow_loss(small, none, told)
        assert flow_loss(small, batch, told) != flow_loss(small, none, told)


def test_the_gradient_is_the_slope(small: Policy) -> None:
    """Numeric slopes along random directions, in double precision, through the whole network."""
    policy = copy.deepcopy(small).double()
    single = made_up(policy)
    batch = replace(single, actions=single.actions.double(), weights=single.weights.double())
    drawn = draw((5, FLOW, 0), (3, policy.horizon, 25), TIMES)
    drawn = replace(drawn, noise=drawn.noise.double(), times=drawn.times.double())
    torch.autograd.backward(flow_loss(policy, batch, drawn))
    generator = torch.Generator().manual_seed(0)
    weights = [each for each in policy.parameters() if each.grad is not None]
    row = next(n for n, each in enumerate(weights) if each is policy.game_embedding.weight)
    assert len(weights) > 40
    for _ in range(3):
        ways = [torch.randn(w.shape, generator=generator, dtype=torch.double) for w in weights]
        ways[row][0] = 0.0  # the padding row has no gradient
        slope = sum(float((way * w.grad).sum()) for way, w in zip(ways, weights, strict=True))
        sides = []
        with torch.no_grad():
            for move in (1e-6, -2e-6):
                for way, weight in zip(ways, weights, strict=True):
                    weight.add_(way, alpha=move)
                sides.append(float(flow_loss(policy, batch, drawn)))
            for way, weight in zip(ways, weights, strict=True):
                weight.add_(way, alpha=1e-6)
        assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(slope, rel=1e-3)


def test_the_loss_is_what_it_was() -> None:
    """A refactor that changes the objective by a little would go unseen for months."""
    policy = fixture_policy("single_frame")
    batch = made_up(policy)
    drawn = draw((11, FLOW, 3), (3, policy.horizon, policy.action_dim), TIMES)
    with torch.no_grad():
        assert float(flow_loss(policy, batch, drawn)) == pytest.approx(GOLDEN, rel=1e-5)
