"""Adapters: they alone are trained, their file is small, and what plays has them in its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.policy import load_policy, save_policy
from nitropilot.policy.files.adapters import read_adapters
from nitropilot.training.errors import BadSettings, OtherRun
from nitropilot.training.objective.draws import FLOW, draw
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.optimise.groups import decaying, freeze
from nitropilot.training.optimise.lora import LAYERS, adapters_of, attach
from nitropilot.training.trainer.files import ADAPTERS, NEWEST, load_state
from nitropilot.training.trainer.running import train
from tests.training.making import LORA, told
from tests.training.objective.test_flow import TIMES, made_up

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy

RANK, ALPHA = LORA["lora"], LORA["lora_alpha"]


def small(material: Path) -> Policy:
    """The base."""
    return load_policy(material / "small.safetensors")


def test_adapters_alone_have_gradients(material: Path) -> None:
    """They decay as matrices do, and change nothing before the first step."""
    policy, base = small(material), small(material)
    freeze(policy, ["vision"])
    attach(policy, RANK, ALPHA, LAYERS, 0)
    batch, drawn = made_up(policy), draw((0, FLOW, 0), (3, policy.horizon, 25), TIMES)
    loss = flow_loss(policy, batch, drawn)
    assert torch.equal(loss, flow_loss(base, batch, drawn))
    torch.autograd.backward(loss)
    learning = {name for name, each in policy.named_parameters() if each.grad is not None}
    assert learning == {f"{name}.lora_{x}" for name in adapters_of(policy) for x in "ab"}
    assert learning <= decaying(policy)
    parts = {name.split(".")[0] for name in learning}
    assert parts == {"vl_self_attention_model", "model"}


def test_what_plays_is_the_base_and_the_averaged_adapters(material: Path, adapted: Path) -> None:
    """By the formula, from the adapters' own file; layers without one stay bit for bit."""
    adapters = read_adapters(adapted / ADAPTERS)
    assert adapters.base == small(material).fingerprint
    assert adapters.scale == ALPHA / RANK
    played, changed = load_policy(adapted / NEWEST).state_dict(), set()
    for name, weight in small(material).state_dict().items():
        layer = name.removesuffix(".weight")
        a, b = (adapters.tensors.get(f"{layer}.lora_{x}") for x in "ab")
        if a is None or b is None:
            assert torch.equal(played[name], weight), name
        else:
            changed.add(name)
            assert torch.allclose(played[name], weight + 3.0 * (b @ a), atol=1e-7), name
            assert not torch.allclose(played[name], weight, atol=1e-4), name
    assert {name.split(".")[0] for name in changed} == {
        "vision_encoder", "vl_self_attention_model", "model",
    }  # fmt: skip


def test_only_what_is_trained_is_kept(material: Path, adapted: Path) -> None:
    """The base is not copied into every checkpoint of a run, nor averaged."""
    state = load_state(adapted)
    assert state is not None
    adapters = read_adapters(adapted / ADAPTERS)
    for part in ("weights", "average"):
        assert state["stepper"][part].keys() == adapters.tensors.keys()
    learned = sum(each.numel() for each in adapters.tensors.values())
    assert learned < 0.15 * sum(each.numel() for each in small(material).parameters())
    assert (adapted / ADAPTERS).stat().st_size < 0.5 * (adapted / NEWEST).stat().st_size


def test_adapters_that_are_gone_on_with_are_the_same(
    material: Path, adapted: Path, tmp_path: Path
) -> None:
    """Bitwise, although the state has nothing of the base."""
    asked = iter([False])
    first = train(told(material, **LORA), tmp_path, stopping=lambda: next(asked, True))
    assert (first.ended, first.step) == ("interrupted", 1)
    second = train(told(material, **LORA), tmp_path)
    assert (second.ended, second.step) == ("done", LORA["steps"])
    for file in (ADAPTERS, NEWEST):
        assert (tmp_path / file).read_bytes() == (adapted / file).read_bytes()
    one, other = load_state(tmp_path), load_state(adapted)
    assert one is not None
    assert other is not None
    for name, weight in other["stepper"]["weights"].items():
        assert torch.equal(one["stepper"]["weights"][name], weight), name


def test_a_run_goes_on_with_its_own_base_only(material: Path, tmp_path: Path) -> None:
    """Adapters on weights that were exchanged in between would be noise."""
    base, policy = tmp_path / "base.safetensors", small(material)
    save_policy(policy, base)
    config = told(material, **{**LORA, "steps": 1}, policy=str(base))
    train(config, tmp_path / "run")
    with torch.no_grad():
        policy.model.proj_out_2.bias.add_(1.0)
    save_policy(policy, base)
    with pytest.raises(OtherRun, match=r"began with a policy of digest [0-9a-f]{64}, and it has"):
        train(config, tmp_path / "run")


def test_what_cannot_be_adapted(material: Path, tmp_path: Path) -> None:
    """A mistyped kind of layer must not train another; weights of chance are no base."""
    with pytest.raises(BadSettings, match="'mpl' is no kind of layer"):
        attach(small(material), RANK, ALPHA, ["mpl"], 0)
    policy = small(material)
    freeze(policy, ["vision", "mixer", "dit"])
    with pytest.raises(BadSettings, match="no layer is left to get an adapter"):
        attach(policy, RANK, ALPHA, LAYERS, 0)
    with pytest.raises(BadSettings, match="random weights, and --lora would keep them"):
        train(told(material, **LORA, policy="random:tiny"), tmp_path)
