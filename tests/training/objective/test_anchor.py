"""The anchor: what a person's recordings never show is not forgotten."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch

from nitropilot.policy import load_policy
from nitropilot.training.batch import Batch
from nitropilot.training.objective.anchor import Anchor
from nitropilot.training.objective.draws import FLOW, draw
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.objective.total import Objective, Shares
from nitropilot.training.optimise.lora import LAYERS, adapters_of, attach
from nitropilot.training.trainer.config import read_config
from nitropilot.training.trainer.stepping import Stepper
from tests.training.objective.test_flow import TIMES, made_up

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy

SAMPLES, STICK, BUTTON = 8, 0, 20
"""Two channels: one that the new recordings use, and one that they never do."""


def batch_of(policy: Policy, stick: float, pressed: float, unused: float) -> Batch:
    """Pictures of noise with one answer; channels but the stick count ``unused``."""
    noise = made_up(policy, SAMPLES)
    actions, weights = torch.zeros_like(noise.actions), torch.full_like(noise.actions, unused)
    actions[..., STICK], actions[..., BUTTON], weights[..., STICK] = stick, pressed, 1.0
    return Batch(noise.frames, actions, weights, None, noise.games, noise.samples)


def learned(policy: Policy, batch: Batch, steps: int, **more: Any) -> Policy:
    """The policy after so many steps."""
    given = {"steps": steps, "batch_size": SAMPLES, "learning_rate": 1e-2, "warm_up": 5}
    stepper = Stepper(policy, read_config(None, {**given, **more}), torch.device("cpu"))
    for step in range(steps):
        stepper.step(step, step / steps, batch)
    return stepper.policy.eval()


def answer(policy: Policy, batch: Batch) -> tuple[float, float]:
    """How far it moves the stick, and how much it presses the button, on average."""
    shape = (SAMPLES, policy.horizon, policy.action_dim)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    chunk = policy.sample(batch.images(), noise)
    return float(chunk[..., STICK].mean()), float(chunk[..., BUTTON].mean())


@pytest.fixture(scope="module")
def base(material: Path) -> Policy:
    """A policy that holds the stick low and presses the button; not to be changed."""
    torch.set_num_threads(1)
    policy = load_policy(material / "small.safetensors")
    return learned(policy, batch_of(policy, 0.2, 1.0, 1.0), 80)


@pytest.mark.parametrize("anchor", [0.0, 2.0], ids=["free", "anchored"])
def test_a_button_that_is_never_shown(base: Policy, anchor: float) -> None:
    """Without an anchor it is forgotten; with one it stays, and the stick is learned anyway."""
    policy = copy.deepcopy(base)
    batch = batch_of(policy, 0.9, 0.0, 0.05)
    stick, pressed = answer(policy, batch)
    assert stick < 0.4
    assert pressed > 0.7
    stick, pressed = answer(learned(policy, batch, 60, anchor=anchor), batch)
    assert stick > 0.65
    assert (pressed > 0.6) if anchor else (pressed < 0.4)


def test_the_distance_is_that_of_the_answers(base: Policy) -> None:
    """Answers that are half a unit off in every channel are a quarter away, whatever counts."""
    policy = copy.deepcopy(base)
    batch, drawn = made_up(policy), draw((0, FLOW, 0), (3, policy.horizon, 25), TIMES)
    objective = Objective(policy, Anchor(policy, 3.0))
    with torch.no_grad():
        policy.action_decoder.layer2.b.add_(0.5)
        flow = flow_loss(policy, batch, drawn)
        found = objective(batch, drawn, Shares())
        torch.testing.assert_close(found, flow + 3.0 * 0.25)
        torch.testing.assert_close(objective(batch, drawn, Shares(2.0, 0.5)), 2 * flow + 1.5 * 0.25)


def test_adapters_are_anchored_without_a_copy(base: Policy) -> None:
    """Their base is there already, beneath them; any other copy shares what is frozen."""
    policy, plain = copy.deepcopy(base), copy.deepcopy(base)
    batch, drawn = made_up(policy), draw((0, FLOW, 0), (3, policy.horizon, 25), TIMES)
    plain.vision_encoder.requires_grad_(False)
    other = Anchor(plain, 1.0)
    attach(policy, 2, 4.0, LAYERS, 0)
    anchor = Anchor(policy, 1.0)
    assert anchor.base is None
    with torch.no_grad():
        for layer in adapters_of(policy).values():
            layer.lora_b.fill_(0.1)
        assert torch.equal(anchor.answer(policy, batch, drawn), other.answer(plain, batch, drawn))
        assert anchor.errors(policy, batch, drawn)[1] > 0
    assert other.base is not None
    shared, own = dict(other.base.named_parameters()), dict(plain.named_parameters())
    assert {name for name in own if shared[name].data_ptr() == own[name].data_ptr()} == {
        name for name in own if name.startswith("vision_encoder.")
    }
