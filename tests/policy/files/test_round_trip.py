"""``save_policy``: what comes back is what went in, or nothing was written."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.policy import CheckpointError, describe, load_policy, random_policy, save_policy
from tests.policy.checkpoints import (
    MICRO,
    changed,
    header_of,
    micro_weights,
    write_pt,
    write_safetensors,
)
from tests.policy.samples import NAMES, reference

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.policy.network.policy import Policy

    Weights = dict[str, Tensor]


def assert_same_weights(found: Policy, wanted: Policy) -> None:
    """Bit by bit."""
    stored, original = found.state_dict(), wanted.state_dict()
    assert list(stored) == list(original)
    for key, tensor in original.items():
        assert torch.equal(stored[key], tensor), key


@pytest.mark.parametrize("name", NAMES)
def test_a_converted_policy_is_the_same_policy(
    policies: dict[str, Policy], tmp_path: Path, name: str
) -> None:
    """``policies convert`` must not change how a policy plays, games and settings included."""
    policy, wanted = policies[name], reference(name)
    path = tmp_path / "converted.safetensors"
    save_policy(policy, path)
    found = load_policy(path)
    assert_same_weights(found, policy)
    assert found.config.model_cfg == policy.config.model_cfg
    assert found.config.modality_cfg == policy.config.modality_cfg
    assert found.games == policy.games
    stored, original = found.raw_config["model_cfg"], policy.raw_config["model_cfg"]
    assert stored == original, "training settings are kept"
    before = policy.sample(wanted.images, wanted.noise, game=wanted.game)
    assert torch.equal(found.sample(wanted.images, wanted.noise, game=wanted.game), before)


def test_a_saved_file_holds_what_plays_and_no_more(pt: Path, tmp_path: Path) -> None:
    """The pooling head is 12.6 M numbers that nothing reads."""
    path = tmp_path / "small.safetensors"
    save_policy(load_policy(pt), path)
    _, header = header_of(path.read_bytes())
    assert not [key for key in header if "vision_encoder.head" in key]
    assert json.loads(header["__metadata__"]["ckpt_config"]) == MICRO
    assert describe(path).parameters_unused == 0


def test_a_folder_loads_like_the_file(pt: Path, tmp_path: Path) -> None:
    """Model hubs serve ``config.json`` and ``model.safetensors``."""
    policy = load_policy(pt)
    folder = tmp_path / "folder"
    folder.mkdir()
    write_safetensors(folder / "model.safetensors", policy.state_dict(), None)
    (folder / "config.json").write_text(json.dumps(MICRO))
    assert_same_weights(load_policy(folder), policy)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("form", ["pt", "safetensors"])
def test_weights_of_other_precision_become_float32(
    tmp_path: Path, weights: Weights, dtype: torch.dtype, form: str
) -> None:
    """Half-size files are common; a bfloat16 sampler is not what was asked for."""
    stored = {key: weight.to(dtype) for key, weight in weights.items()}
    path = tmp_path / f"half.{form}"
    if form == "pt":
        write_pt(path, stored)
    else:
        write_safetensors(path, stored)
    found = load_policy(path).state_dict()
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    assert all(torch.equal(found[key], stored[key].float()) for key in found)


def test_actions_that_nobody_can_read_are_refused_at_once(tmp_path: Path) -> None:
    """Not at the first chunk, with a game frozen; what the file holds can still be looked at."""
    config = changed(MICRO, "model_cfg.action_dim", 24)
    config = changed(config, "tokenizer_cfg.max_action_dim", 24)
    path = write_pt(tmp_path / "wide.pt", micro_weights(config=config), config)
    with pytest.raises(CheckpointError, match="24 channels, which have no layout") as refused:
        load_policy(path)
    assert "25 channels" in refused.value.hint
    assert describe(path).action_dim == 24


def test_weights_are_our_own(pt: Path) -> None:
    """A file that is replaced or cut while the policy plays must not crash or change it."""
    policy = load_policy(pt)
    before = {key: tensor.clone() for key, tensor in policy.state_dict().items()}
    pt.write_bytes(b"\0" * pt.stat().st_size)
    assert all(torch.equal(tensor, before[key]) for key, tensor in policy.state_dict().items())


def test_stored_parameters_load_as_plain_weights(tmp_path: Path, weights: Weights) -> None:
    """A dict of ``nn.Parameter`` is a sound checkpoint too, and no gradient comes along."""
    stored = {key: torch.nn.Parameter(weight) for key, weight in weights.items()}
    policy = load_policy(write_pt(tmp_path / "ng.pt", stored))
    assert all(parameter.is_leaf for parameter in policy.parameters())


def test_saving_replaces_the_old_file(pt: Path, tmp_path: Path) -> None:
    """The newest training state goes where the last one was."""
    path = tmp_path / "last.safetensors"
    save_policy(random_policy(), path)
    save_policy(load_policy(pt), path)
    assert load_policy(path).horizon == 4


def test_a_random_policy_stays_one_on_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A converted random policy that no longer says so is a silent fake."""
    path = tmp_path / "r.safetensors"
    save_policy(random_policy(), path)
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="nitropilot.policy"):
        found = load_policy(path)
    assert found.is_random
    assert describe(path).is_random
    assert "random weights" in caplog.text


def test_a_loaded_policy_is_no_random_one(pt: Path) -> None:
    """The warning must mean something."""
    assert not load_policy(pt).is_random
    assert not describe(pt).is_random


# Failure


@pytest.mark.parametrize(
    "place",
    [
        "missing/a.safetensors",
        "file.txt/a.safetensors",
        "taken.safetensors",
        "x" * 300 + ".safetensors",
        pytest.param(
            "/proc/a.safetensors",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="/proc is part of Linux"),
        ),
    ],
    ids=["missing folder", "file as folder", "folder in the place", "long name", "read-only"],
)
def test_a_failed_save_leaves_nothing(tmp_path: Path, place: str) -> None:
    """Half a checkpoint that has the right name is worse than none."""
    (tmp_path / "file.txt").write_text("hello")
    (tmp_path / "taken.safetensors" / "inside").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CheckpointError, match="cannot write") as caught:
        save_policy(random_policy(), tmp_path / place)
    assert caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before


def test_an_old_file_survives_a_failed_save(
    pt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while the new file is written must not cost the old one."""
    path = tmp_path / "last.safetensors"
    save_policy(load_policy(pt), path)
    before = path.read_bytes()

    def no_space(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(CheckpointError, match="No space left"):
        save_policy(random_policy(), path)
    assert path.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"last.safetensors", pt.name}


def test_an_interrupted_save_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of two gigabytes leaves no two gigabytes behind."""

    def interrupted(source: object, target: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_policy(random_policy(), tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.pt", "a.PTH"])
def test_a_name_that_would_not_load_is_refused(tmp_path: Path, name: str) -> None:
    """A safetensors file named .pt is refused when it is loaded: too late."""
    with pytest.raises(CheckpointError, match=r"(?i)a\.pt"):
        save_policy(random_policy(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_equal_weights_are_equal_bytes(tmp_path: Path) -> None:
    """A digest that differs from one writing to the next would name one policy in two ways.

    The library's order is drawn anew for each file, in one process as in two.
    """
    policy, path = random_policy("tiny"), tmp_path / "tiny.safetensors"
    written = set()
    for _ in range(8):
        save_policy(policy, path)
        written.add(path.read_bytes())
    assert len(written) == 1
    names = list(header_of(path.read_bytes())[1]["__metadata__"])
    assert names == sorted(names)
    assert len(names) == 3
    assert_same_weights(load_policy(path), policy)
