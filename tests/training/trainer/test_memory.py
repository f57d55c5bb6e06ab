"""What a run is said to take, against what torch really allocates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from nitropilot.policy import load_policy
from nitropilot.server.cli.main import app
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.trainer.config import TrainConfig, read_config
from nitropilot.training.trainer.memory import memory_of
from nitropilot.training.trainer.preparing import narrow
from nitropilot.training.trainer.stepping import Stepper
from tests.training.objective.test_flow import made_up

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 64
"""So that activations are much of it."""
WAYS: dict[str, dict[str, Any]] = {
    "whole": {},
    "frozen": {"freeze": ["vision"], "anchor": 1.0},
    "lora": {"lora": 4, "recompute": True},
}


def config_of(material: Path, **more: Any) -> TrainConfig:
    """A run of the small policy."""
    path = str(material / "small.safetensors")
    return read_config(None, {"steps": 1, "policy": path, "batch_size": BATCH, **more})


def allocated(config: TrainConfig) -> int:
    """Most bytes of tensors that there are at a time up to the end of the second step."""
    policy = load_policy(config.run.policy)
    narrow(policy, config)
    held, most = 0, 0
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        stepper = Stepper(policy, config, torch.device("cpu"))
        for group in stepper.optimiser.param_groups:
            group["foreach"] = True
        batch = made_up(policy, BATCH)
        for step in range(2):
            stepper.step(step, 0.0, batch)
        with torch.no_grad():
            flow_loss(stepper.average.policy(policy), batch, stepper.drawn(0, batch))
    events = [each for each in seen.profiler.kineto_results.events() if each.name() == "[memory]"]
    for event in sorted(events, key=lambda each: each.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    drawn = stepper.drawn(0, batch)  # as the batch, of numpy's memory, which torch does not count
    before = (
        batch.frames,
        batch.actions,
        batch.weights,
        drawn.noise,
        *policy.state_dict().values(),
    )
    return most + sum(each.untyped_storage().nbytes() for each in before)


@pytest.mark.parametrize("way", WAYS)
def test_it_takes_what_was_said(material: Path, way: str) -> None:
    """Who is told 7 GB and meets 14 has lost an evening."""
    config = config_of(material, **WAYS[way])
    assert memory_of(config).most == pytest.approx(allocated(config), rel=0.05)


def test_the_command_says_what_each_is_for(
    material: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without data, and without a place to write to; closed forms for all but activations."""
    path, found = str(material / "small.safetensors"), {}
    for way, words in (("whole", ()), ("anchor", ("--anchor", "1")), ("lora", ("--lora", "4"))):
        command = ["finetune", "--policy", path, "--batch-size", "8", "--dry-run", "--json"]
        app([*command, *words], standalone_mode=False)
        found[way] = json.loads(capsys.readouterr().out)
    weights = sum(each.numel() for each in load_policy(path).parameters())
    assert found["whole"]["parameters"] == found["whole"]["trained"] == weights
    for facts in found.values():
        assert facts["weights"] == 4 * facts["parameters"]
        assert facts["gradients"] == facts["average"] == 4 * facts["trained"]
        assert facts["moments"] == 8 * facts["trained"]
        assert facts["most"] > facts["weights"] + facts["moments"] + facts["activations"]
    assert found["anchor"]["anchor"] == 4 * weights
    assert found["lora"]["parameters"] == weights + found["lora"]["trained"]
    assert found["lora"]["trained"] < 0.3 * weights
    app(["train", "--policy", path, "--dry-run"], standalone_mode=False)
    assert "at the most" in capsys.readouterr().out
