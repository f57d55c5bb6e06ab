"""Both networks: shapes, the reference as an option, pretrained weights."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.dataset.errors import BadWeights, ParserSettings
from nitropilot.dataset.parsing.network import Parser, fresh
from nitropilot.dataset.parsing.segformer import SegformerEncoder
from nitropilot.dataset.parsing.shape import Shape
from tests.dataset.parsing.making import SHAPE, SIZE

if TYPE_CHECKING:
    from pathlib import Path

SEGFORMER = Shape("segformer", (8, 8, 16, 16), (1, 1, 1, 1), 12, 8, True, *SIZE, (1, 1, 2, 2))


def pictures(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise, as a network is given it."""
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 256, (count, 2, *SIZE, 3), np.uint8)
    return torch.from_numpy(pairs), torch.from_numpy(pairs[::-1, 0].copy())


@pytest.mark.parametrize("shape", [SHAPE, SEGFORMER], ids=["small", "segformer"])
def test_shapes(shape: Shape) -> None:
    """One type for both kinds; no moment is read off another of its batch."""
    parser = fresh(shape, 1).eval()
    pairs, still = pictures(3)
    answer = parser.say(pairs, still)
    coarse = (SIZE[0] // 4, SIZE[1] // 4)
    assert [tuple(each.shape) for each in answer] == [
        (3, 17), (3, 2, 11, 11), (3, 2, 2, 11, 11), (3, 19), (3, 19, *coarse), (3, *coarse),
    ]  # fmt: skip
    torch.testing.assert_close(answer.places.exp().sum((2, 3)), torch.ones(3, 19))
    alone = parser.say(pairs[1:2], still[1:2])
    torch.testing.assert_close(alone.buttons, answer.buttons[1:2], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(alone.grids, answer.grids[1:2], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("shape", [SHAPE, SEGFORMER], ids=["small", "segformer"])
@pytest.mark.parametrize("reference", [True, False], ids=["with", "without"])
def test_the_reference_is_looked_at_where_it_is_asked_for(shape: Shape, reference: bool) -> None:
    """And each of the two pictures is."""
    parser = fresh(replace(shape, reference=reference), 1).eval()
    pairs, still = pictures(2)
    said = parser.say(pairs, still).lit
    assert torch.equal(parser.say(pairs, still.flip(0)).lit, said) is not reference
    for number in range(2):
        other = pairs.clone()
        other[:, number] = 255 - other[:, number]
        assert not torch.equal(parser.say(other, still).lit, said)


def test_half_the_digits_are_enough_for_the_encoder_alone() -> None:
    """As a GPU computes it: what is said is in full precision, and nearly the same."""
    parser = fresh(SHAPE, 1).eval()
    pairs, still = pictures(2)
    whole = parser(pairs, still)
    with torch.autocast("cpu", torch.bfloat16):
        narrow = parser(pairs, still)
    assert {each.dtype for each in narrow} == {torch.float32}
    assert not torch.equal(narrow.lit, whole.lit)
    torch.testing.assert_close(narrow.buttons, whole.buttons, atol=0.05, rtol=0.05)
    torch.testing.assert_close(narrow.offsets, whole.offsets, atol=0.2, rtol=0.05)


def test_fresh_weights_follow_from_the_seed() -> None:
    """Whatever was drawn before."""
    one, torch_state = fresh(SHAPE, 5), torch.get_rng_state()
    torch.rand(3)
    two, three = fresh(SHAPE, 5), fresh(SHAPE, 6)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.heads.where.weight, three.heads.where.weight)
    assert torch_state.shape == torch.get_rng_state().shape


def pretrained(folder: Path, sizes: tuple[int, ...] = SEGFORMER.widths) -> dict[str, torch.Tensor]:
    """A folder of weights for single pictures, as ``transformers`` writes it."""
    from transformers import SegformerConfig, SegformerModel

    torch.manual_seed(11)
    model = SegformerModel(SegformerConfig(
        hidden_sizes=list(sizes), depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2]
    ))  # fmt: skip
    for each in model.parameters():
        torch.nn.init.normal_(each)
    model.save_pretrained(folder)
    return dict(model.state_dict())


def same_body(parser: Parser, tensors: dict[str, torch.Tensor]) -> None:
    """Whether an encoder has these weights: what looks at one picture looks at each of three."""
    own = parser.encoder.body.state_dict()
    assert own.keys() == tensors.keys()
    for name, each in tensors.items():
        has = own[name]
        if has.shape != each.shape:
            assert has.shape[1] == 3 * each.shape[1]
            has = has.unflatten(1, (3, -1)).sum(1)
        torch.testing.assert_close(has, each)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_pretrained_weights_are_really_loaded(tmp_path: Path, kind: str) -> None:
    """Every tensor of a folder or a file that is made here; and three like pictures then say what
    one said to the published network."""
    tensors = pretrained(tmp_path / "made")
    init = tmp_path / "made" / ("model.safetensors" if kind == "file" else "")
    parser = fresh(SEGFORMER, 1)
    assert isinstance(parser.encoder, SegformerEncoder)
    said = parser.encoder.begin_from(str(init))
    assert said.startswith(f"{len(tensors)} of {len(tensors)} tensors")
    same_body(parser, tensors)


def test_weights_that_cannot_be_begun_with(tmp_path: Path) -> None:
    """Of another size, of nothing, damaged: one line each, and the network stays as it was."""
    parser = fresh(SEGFORMER, 1)
    assert isinstance(parser.encoder, SegformerEncoder)
    before = {name: each.clone() for name, each in parser.state_dict().items()}
    pretrained(tmp_path / "large", (16, 16, 16, 16))
    (tmp_path / "damaged.pt").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "empty").mkdir()
    for init, said in (
        ("large", "and this network of"), ("damaged.pt", "is no file of weights"),
        ("empty", "holds no weights of SegFormer"),
    ):  # fmt: skip
        with pytest.raises(BadWeights, match=said):
            parser.encoder.begin_from(str(tmp_path / init))
    assert all(torch.equal(each, before[name]) for name, each in parser.state_dict().items())


def test_without_transformers_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that has it; the small network needs none."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ParserSettings, match="not installed") as caught:
        fresh(SEGFORMER, 1)
    assert "nitropilot[dataset]" in caught.value.hint
    fresh(SHAPE, 1)
