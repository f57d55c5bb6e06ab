"""The optimiser's parts against what can be computed by hand."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.policy import load_policy
from nitropilot.training.errors import BadSettings
from nitropilot.training.objective.draws import FLOW, draw
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.optimise.ema import MovingAverage
from nitropilot.training.optimise.groups import PARTS, adamw, decaying, freeze
from nitropilot.training.optimise.precision import autocast, recompute_blocks
from nitropilot.training.optimise.schedule import factor
from tests.training.making import small_policy
from tests.training.objective.test_flow import TIMES, made_up

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """A small policy with games; not to be changed."""
    folder: Path = tmp_path_factory.mktemp("small")
    return load_policy(small_policy(folder / "small.safetensors", games=("squares",)))


@pytest.fixture
def small(loaded: Policy) -> Policy:
    """One of one's own."""
    return copy.deepcopy(loaded)


def test_matrices_decay_and_nothing_else(small: Policy) -> None:
    """Norms, biases and embeddings that are drawn to 0 lose what they hold."""
    decay = decaying(small)
    names = dict(small.named_parameters())
    assert decay <= names.keys()
    for name, weight in names.items():
        plain = name.endswith((".b", ".bias")) or ("norm" in name and "linear" not in name)
        spared = plain or ("embedding.weight" in name and "patch" not in name)
        assert (name in decay) != spared, name
        assert weight.ndim > 1 or name not in decay
    assert "vision_encoder.embeddings.patch_embedding.weight" in decay
    assert "model.transformer_blocks.0.norm1.linear.weight" in decay


def test_one_step_of_adamw_by_hand(small: Policy) -> None:
    """The first step moves each weight by the rate; what decays is drawn to 0 besides."""
    rate, by = 1e-2, 0.1
    decay = decaying(small)
    before = {name: weight.detach().clone() for name, weight in small.named_parameters()}
    optimiser = adamw(small, rate, by, (0.9, 0.999))
    for weight in small.parameters():
        weight.grad = torch.ones_like(weight)
    optimiser.step()
    for name, weight in small.named_parameters():
        kept = 1 - rate * by if name in decay else 1.0
        torch.testing.assert_close(weight.detach(), before[name] * kept - rate, rtol=0, atol=1e-6)


def test_the_rate_rises_stays_and_falls() -> None:
    """Warm-up, stable, decay, each in its place."""
    steps = 100
    rates = [factor(step, step / steps, 9, 0.4) for step in range(steps)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10:61] == [1.0] * 51
    assert rates[61:] == pytest.approx([(steps - step) / 40 for step in range(61, steps)])
    assert factor(500, 1.0, 9, 0.4) == 0.0
    assert [factor(step, step / steps, 0, 0.0) for step in (0, 99)] == [1.0, 1.0]


def test_the_average_is_the_weighted_sum(small: Policy) -> None:
    """Its warm-up in closed form: the share of each update is what the later ones leave of it."""
    name = "action_decoder.layer2.W"
    weight = dict(small.named_parameters())[name]
    values, decay = [1.0, -2.0, 5.0, 0.5, 3.0], 0.3
    with torch.no_grad():
        weight.fill_(values[0])
    average = MovingAverage(small, decay)
    decays = [min(decay, (1 + n) / (10 + n)) for n in range(4)]
    assert decays == [1 / 10, 2 / 11, 3 / 12, 0.3]  # the last one is warm
    for value in values[1:]:
        with torch.no_grad():
            weight.fill_(value)
        average.update(small)
    shares = [1.0, *(1 - each for each in decays)]
    for place, each in enumerate(decays):
        for earlier in range(place + 1):
            shares[earlier] *= each
    wanted = sum(share * value for share, value in zip(shares, values, strict=True))
    assert sum(shares) == pytest.approx(1.0)
    assert average.state()[name].flatten()[0].item() == pytest.approx(wanted, rel=1e-6)
    playing = dict(average.policy(small).named_parameters())[name]
    assert playing.flatten()[0].item() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("part", PARTS)
def test_a_frozen_part_stays(small: Policy, part: str) -> None:
    """Who freezes the vision encoder wants the one that was there, in the average too."""
    freeze(small, [part])
    before = copy.deepcopy(small.state_dict())
    average, optimiser = MovingAverage(small, 0.5), adamw(small, 0.1, 0.1, (0.9, 0.999))
    drawn = draw((0, FLOW, 0), (3, small.horizon, 25), TIMES)
    torch.autograd.backward(flow_loss(small, made_up(small), drawn))
    optimiser.step()
    average.update(small)
    moved = {name for name, weight in small.state_dict().items() if not weight.equal(before[name])}
    assert moved and not any(name.startswith(PARTS[part]) for name in moved)
    averaged = average.state()
    assert all(torch.equal(averaged[name], before[name]) for name in averaged.keys() - moved)


def test_every_weight_is_in_one_part(small: Policy) -> None:
    """A weight that is in none could never be frozen."""
    for name, _ in small.named_parameters():
        assert sum(name.startswith(starts) for starts in PARTS.values()) == 1, name


def test_no_such_part_and_nothing_left(small: Policy) -> None:
    """A mistyped part must not be trained as if nothing had been said."""
    with pytest.raises(BadSettings, match=r"'visoin' is no part of a policy"):
        freeze(small, ["visoin"])
    with pytest.raises(BadSettings, match="every part"):
        freeze(small, PARTS)


def gradients(policy: Policy, precision: str) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of a batch."""
    drawn = draw((0, FLOW, 0), (3, policy.horizon, 25), TIMES)
    with autocast(precision, torch.device("cpu")):
        loss = flow_loss(policy, made_up(policy), drawn)
    torch.autograd.backward(loss)
    named = policy.named_parameters()
    return float(loss.detach()), {name: w.grad for name, w in named if w.grad is not None}


def test_recomputing_changes_nothing(small: Policy) -> None:
    """It costs time and must cost nothing else; the names of weights stay too."""
    names = list(small.state_dict())
    loss, wanted = gradients(copy.deepcopy(small), "float32")
    recompute_blocks(small)
    again, found = gradients(small, "float32")
    assert list(small.state_dict()) == names
    assert again == loss
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient)


def test_bfloat16_is_close_and_keeps_the_weights(small: Policy) -> None:
    """Products alone are shortened: weights and gradients stay float32."""
    loss, _ = gradients(copy.deepcopy(small), "float32")
    again, found = gradients(small, "bfloat16")
    assert again != loss
    assert again == pytest.approx(loss, rel=0.02)
    assert {gradient.dtype for gradient in found.values()} == {torch.float32}
    assert {weight.dtype for weight in small.parameters()} == {torch.float32}
