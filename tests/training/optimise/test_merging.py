"""A policy that is named with its adapters is what their run would have exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch

from nitropilot.engines import load_engine
from nitropilot.engines.fingerprint import fingerprint_of, stored_bytes
from nitropilot.policy import CheckpointError, load_policy
from nitropilot.policy.files.adapters import read_adapters, save_adapters
from nitropilot.policy.files.formats import read_checkpoint
from nitropilot.policy.naming import files_of, from_root, is_there, parse_adapted
from nitropilot.server.cli.main import app
from nitropilot.server.options.play import PolicyChoice
from nitropilot.server.sessions.pool import stamp_of
from nitropilot.simulator.benchmark.policies.naming import Entry, parse_entry
from nitropilot.training.evaluation.policies import weights_of
from nitropilot.training.trainer.files import ADAPTERS, NEWEST
from tests.training.making import small_policy


@pytest.fixture(scope="module")
def named(material: Path, adapted: Path) -> str:
    """The base with the adapters."""
    return f"{material / 'small.safetensors'}+{adapted / ADAPTERS}"


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_every_engine_plays_the_merged_policy(
    material: Path, adapted: Path, named: str, name: str
) -> None:
    """The graph that is compiled has the adapters in its weights, not the base's alone."""
    rng = np.random.default_rng(0)
    images = rng.random((1, 3, 32, 32), np.float32)
    engine = load_engine(named, engine=name, device="cpu", precision="float32")
    try:
        noise = engine.draw_noise(rng)
        found = engine.infer(images, noise).actions
        assert engine.spec.name == f"small.safetensors+{ADAPTERS}"
    finally:
        engine.close()
    given = torch.from_numpy(images)[None], torch.from_numpy(noise)[None]
    wanted = load_policy(adapted / NEWEST).sample(*given)[0].numpy()
    base = load_policy(material / "small.safetensors").sample(*given)[0].numpy()
    assert np.abs(found - wanted).max() < 1e-4
    assert np.abs(base - wanted).max() > 1e-3


def test_merging_writes_the_policy_that_the_run_exported(
    adapted: Path, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is passed on is a small file; who gets it makes the same policy."""
    out = tmp_path / "merged.safetensors"
    app(["policies", "merge", *named.split("+"), "--out", str(out)], standalone_mode=False)
    assert capsys.readouterr().out.strip() == str(out)
    made, wanted = load_policy(out), load_policy(adapted / NEWEST)
    for key, weight in wanted.state_dict().items():
        assert torch.allclose(made.state_dict()[key], weight, atol=1e-6), key
    assert made.raw_config == wanted.raw_config
    assert not made.is_random


def test_adapters_of_a_policy_that_has_some_already(
    material: Path, adapted: Path, named: str, tmp_path: Path
) -> None:
    """All of them are in the weights: those of the base would else be gone without a word."""
    first, cpu = read_adapters(adapted / ADAPTERS), torch.device("cpu")
    both = read_checkpoint(named)
    second = tmp_path / "second.safetensors"
    more = {name: 2 * value for name, value in first.tensors.items()}
    save_adapters(replace(first, base=both.fingerprint(), tensors=more), second)
    base, whole = read_checkpoint(material / "small.safetensors"), f"{named}+{second}"
    key = f"{first.layers[0]}.weight"
    step = both.weight(key, cpu) - base.weight(key, cpu)
    assert step.abs().max() > 0
    found = read_checkpoint(whole).weight(key, cpu) - base.weight(key, cpu)
    assert torch.allclose(found, 5 * step, atol=1e-6)
    assert load_policy(whole).fingerprint != load_policy(named).fingerprint


def test_adapters_of_another_base_are_refused(
    material: Path, adapted: Path, tmp_path: Path
) -> None:
    """One line each, with both digests or both shapes; a policy is no file of adapters."""
    other = small_policy(tmp_path / "other.safetensors", seed=1)
    small, added = material / "small.safetensors", adapted / ADAPTERS
    for text, said in (
        (f"{other}+{added}", rf"of a policy with the digest {load_policy(small).fingerprint}, and"),
        (f"pocket+{added}", r"the adapter of '\S+' is \(32, 2\) by \(2, 32\), and \S+ has"),
        (f"{small}+{other}", r"other\.safetensors holds no adapters"),
        (f"{small}+{tmp_path / 'gone'}", r"there is no file \S+gone"),
        (f"{small}+{'a' * 300}", "cannot read .*: File name too long"),
        (str(added), r"holds adapters, and no policy"),
    ):
        with pytest.raises(CheckpointError, match=said) as caught:
            load_policy(text)
        assert "\n" not in str(caught.value)
        assert caught.value.hint


def test_it_is_named_so_wherever_a_policy_is(
    adapted: Path, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A play, a trace, the daemon, a benchmark and a comparison find both files."""
    base, added = (Path(each) for each in named.split("+"))
    assert parse_adapted(named) == (str(base), str(added))
    assert files_of(named) == (base, added)
    assert files_of(f"pocket+{added}") == (added,)
    assert parse_entry(named) == Entry(named, "checkpoint", named)
    assert weights_of(named) == named
    assert stamp_of(named) == stamp_of(str(base)) + stamp_of(str(added))
    assert fingerprint_of(named) == load_policy(named).fingerprint
    assert fingerprint_of(named) != fingerprint_of(str(base))
    assert stored_bytes(named) == base.stat().st_size + added.stat().st_size
    assert is_there(named)
    assert not is_there(f"{named}x")
    assert parse_adapted(f"{named}+{added}") == (named, str(added))
    monkeypatch.chdir(adapted)
    assert from_root(f"pocket+{ADAPTERS}") == f"pocket+{added}"
    assert PolicyChoice(policy=f"pocket+{ADAPTERS}").policy_file == f"pocket+{added}"
    own = tmp_path / "a+b.safetensors"
    copyfile(base, own)
    assert parse_adapted(str(own)) is None
    assert parse_adapted(f"{own}+{added}") == (str(own), str(added))
