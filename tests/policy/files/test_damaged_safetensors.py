"""Every way a ``.safetensors`` can be wrong, and where its configuration may be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch

from nitropilot.policy import load_policy
from tests.policy.checkpoints import MICRO, changed, header_of, with_header, write_safetensors
from tests.policy.files.test_damaged_pt import PROJECTION, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    Weights = dict[str, Tensor]
    Header = dict[str, Any]


@pytest.fixture
def sound(tmp_path: Path, weights: Weights) -> Path:
    """A micro checkpoint."""
    return write_safetensors(tmp_path / "micro.safetensors", weights)


def test_a_sound_file_loads(sound: Path, weights: Weights) -> None:
    """All cases below spoil this file; if it were refused itself, they would prove nothing."""
    found = load_policy(sound).state_dict()
    assert torch.equal(found[PROJECTION], weights[PROJECTION])


@pytest.mark.parametrize("padding", range(0, 256, 8))
def test_any_header_length_is_recognised(sound: Path, padding: int) -> None:
    """A header of 0x..80 bytes begins like a pickle and is none."""
    data = sound.read_bytes()
    length, _ = header_of(data)
    header = data[8 : 8 + length] + b" " * padding
    sound.write_bytes(with_header(data, header))
    assert load_policy(sound).steps == 3


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "header cut off": (lambda d: d[:100], "truncated"),
    "data cut off": (lambda d: d[:-9], "damaged or cut off"),
    "data too long": (lambda d: d + b"\0" * 9, "damaged or cut off"),
    "eight bytes": (lambda d: d[:8], "unknown data"),
    "header longer than the file": (lambda d: b"\xff\xff\xff\x02" + d[4:], "truncated"),
    "header of exabytes": (lambda d: b"\xff" * 8 + d[8:], "unknown data"),
    "header too short": (lambda d: b"\x10" + b"\0" * 7 + d[8:], "damaged or cut off"),
    "header that is not JSON": (lambda d: with_header(d, b"{" * 64), "damaged or cut off"),
    "header that is not text": (lambda d: with_header(d, b"{\xff\xfe"), "damaged or cut off"),
}


@pytest.mark.parametrize("case", BYTES)
def test_damaged_bytes_are_named(sound: Path, case: str) -> None:
    """A download that stopped is the usual fault."""
    spoil, words = BYTES[case]
    sound.write_bytes(spoil(sound.read_bytes()))
    assert words in refusal(sound)


def entry(**changes: object) -> Callable[[Header], Header]:
    """A change of one tensor's entry."""
    return lambda header: {**header, PROJECTION: {**header[PROJECTION], **changes}}


HEADERS: dict[str, tuple[Callable[[Header], Header], str]] = {
    "metadata that is a list": (lambda h: {**h, "__metadata__": ["x"]}, "damaged"),
    "metadata that holds numbers": (lambda h: {**h, "__metadata__": {"a": 1}}, "damaged"),
    "numbers beyond the data": (entry(data_offsets=[0, 10**12]), "damaged"),
    "numbers before the data": (entry(data_offsets=[-8, 8]), "damaged"),
    "shape of exabytes": (entry(shape=[2**40, 2**40]), "damaged"),
    "shape below zero": (entry(shape=[-1, 25, 16]), "damaged"),
    "unknown type": (entry(dtype="F33"), "damaged"),
    "whole numbers": (entry(dtype="I32"), "int32"),
    "numbers of other precision": (entry(dtype="F16"), "damaged"),
    "complex numbers": (entry(dtype="C64", shape=[1, 25, 8]), PROJECTION),
    "eight bits": (entry(dtype="F8_E4M3", shape=[1, 100, 16]), PROJECTION),
    "eight bits of exponent": (entry(dtype="F8_E8M0", shape=[1, 100, 16]), PROJECTION),
    "four bits": (entry(dtype="F4", shape=[1, 200, 16]), PROJECTION),
    "six bits": (entry(dtype="F6_E2M3", shape=[1, 25, 16]), "damaged"),
    "another shape": (entry(shape=[1, 16, 25]), "instead of (1, 25, 16)"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers_that_lie_are_named(sound: Path, case: str) -> None:
    """The header says what is where; it is not believed beyond the file's size."""
    spoil, words = HEADERS[case]
    data = sound.read_bytes()
    sound.write_bytes(with_header(data, spoil(header_of(data)[1])))
    assert words in refusal(sound)


def test_numbers_that_are_not_finite_are_named(sound: Path, weights: Weights) -> None:
    """A diverged training run writes a sound file of NaN."""
    write_safetensors(sound, {**weights, PROJECTION: torch.full((1, 25, 16), torch.nan)})
    assert "not finite" in refusal(sound)


# The configuration

CONFIGS: dict[str, tuple[str, str]] = {
    "not JSON": ("model_cfg: {}", "is not JSON"),
    "nothing": ("", "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "deep objects": ('{"a":' * 50_000 + "1" + "}" * 50_000, "is not JSON"),
    "a huge number": ('{"model_cfg": ' + "9" * 10_000 + "}", "is not JSON"),
    "a list": ("[]", "ckpt_config"),
    "half a character": ('{"\\ud800": 1}', "ckpt_config"),
    "another model's": ('{"architectures": ["Llama"], "hidden_size": 64}', "missing"),
}


@pytest.mark.parametrize("place", ["metadata", "file"])
@pytest.mark.parametrize("case", CONFIGS)
def test_configurations_that_are_none_are_named(
    tmp_path: Path, weights: Weights, case: str, place: str
) -> None:
    """Most folders with weights have some ``config.json``."""
    text, words = CONFIGS[case]
    path = tmp_path / "model.safetensors"
    if place == "metadata":
        write_safetensors(path, weights, None, ckpt_config=text)
    else:
        write_safetensors(path, weights, None)
        (tmp_path / "config.json").write_text(text)
    faulty = "config.json" if "JSON" in words and place == "file" else path.name
    assert words in refusal(path, faulty)


def test_a_file_without_a_configuration_says_where_one_may_be(
    tmp_path: Path, weights: Weights
) -> None:
    """Sizes cannot be guessed from tensors alone."""
    path = write_safetensors(tmp_path / "ng.safetensors", weights, None, format="pt")
    assert "no ckpt_config in its metadata" in refusal(path)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_folder_holds_weights_and_configuration(
    tmp_path: Path, weights: Weights, wrapped: bool
) -> None:
    """Model hubs serve folders."""
    write_safetensors(tmp_path / "model.safetensors", weights, None)
    content = {"ckpt_config": MICRO} if wrapped else MICRO
    (tmp_path / "config.json").write_text(json.dumps(content))
    policy = load_policy(tmp_path)
    assert policy.horizon == 4
    assert policy.name == tmp_path.name


def test_another_configuration_beside_is_another_policy(tmp_path: Path, weights: Weights) -> None:
    """A cached engine is found by fingerprint; the weights alone do not make the actions."""
    write_safetensors(tmp_path / "model.safetensors", weights, None)
    found = []
    for steps in (3, 4):
        config = changed(MICRO, "model_cfg.num_inference_timesteps", steps)
        (tmp_path / "config.json").write_text(json.dumps(config))
        found.append(load_policy(tmp_path).fingerprint)
    assert found[0] != found[1]
