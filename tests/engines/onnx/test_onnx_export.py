"""The exported model against ``Policy.sample``: float32 by onnxruntime, the rest by ONNX's own
reference evaluator, because onnxruntime has no bfloat16 on processors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from nitropilot.engines import EngineError, EngineUnavailable, Prefix, Request
from nitropilot.engines.batch import make_batch
from nitropilot.engines.calibration.pictures import pictures_to_measure
from nitropilot.engines.onnx.graph_version import graph_version
from nitropilot.engines.spec import policy_spec
from nitropilot.policy import load_policy, open_policy, random_policy, save_policy
from tests.engines.examples import example, relative, sampled
from tests.policy.samples import (
    GAMES,
    NAMES,
    fixture_path,
    fixture_policy,
    reference,
    with_steps,
)

onnx = pytest.importorskip("onnx", reason="onnx is an extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is a tool of developers")

from onnx.reference import ReferenceEvaluator  # noqa: E402

from nitropilot.engines.onnx import operators as onnx_operators  # noqa: E402
from nitropilot.engines.onnx import writer as onnx_writer  # noqa: E402
from nitropilot.engines.onnx.export import INPUTS, ChunkGraph, export_graph, export_onnx  # noqa: E402
from nitropilot.engines.onnx.quantised import largest_inputs, rounded  # noqa: E402

if TYPE_CHECKING:
    from nitropilot.engines.base import Array, PolicySpec
    from nitropilot.policy.network.policy import Policy


def run(model: Any, spec: PolicySpec, request: Request) -> Array:
    """One request through a session or an evaluator."""
    batch = make_batch(spec, [request], 1)
    images = np.zeros((spec.frames, *batch.images.shape[1:]), np.float32)
    images[: len(batch.images)] = batch.images
    batch = dataclasses.replace(batch, images=images)
    answer: Array = model.run(None, {name: getattr(batch, name) for name in INPUTS})[0][0]
    return answer


def exported(policy: Any, folder: Path, precision: str = "float32", base: Any = None) -> Path:
    """A policy's model; ``base`` is what it computes in around the 8-bit weights."""
    usual = torch.float32 if precision == "float32" else torch.bfloat16
    path = folder / f"{precision}.onnx"
    export_graph(ChunkGraph(policy, base or usual), path, precision)
    onnx.checker.check_model(str(path), full_check=True)
    return path


def quick_policy(folder: Path) -> Policy:
    """Two frames and games in two steps: a model has a copy of the network for each of them."""
    return load_policy(with_steps("two_frames_game", 2, folder / "two_steps.pt"), games=GAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_samples(name: str, tmp_path: Path) -> None:
    """Padding, positions, two frames, other horizons: as the reference implementation."""
    policy, wanted = fixture_policy(name), reference(name)
    session = onnxruntime.InferenceSession(str(exported(policy, tmp_path)))
    for images, noise, actions in zip(wanted.images, wanted.noise, wanted.actions, strict=True):
        request = Request(images.numpy(), noise.numpy(), game=wanted.game)
        found = run(session, policy_spec(policy), request)
        assert relative(found, actions.numpy(), noise.numpy()) < 1e-4


def test_a_policy_as_commands_name_it(tmp_path: Path) -> None:
    """float32 must be float32: the same numbers to the last few bits."""
    policy = open_policy("random:tiny:2")
    size = export_onnx("random:tiny:2", tmp_path / "tiny.onnx")
    assert size == (tmp_path / "tiny.onnx").stat().st_size
    session = onnxruntime.InferenceSession(str(tmp_path / "tiny.onnx"))
    images, noise = example(policy)
    found = run(session, policy_spec(policy), Request(images, noise))
    assert relative(found, sampled(policy, images, noise), noise) < 1e-5


def test_games_guidance_frames_and_prefixes(tmp_path: Path) -> None:
    """One model serves them all; a batch of two is the same graph."""
    policy = quick_policy(tmp_path)
    spec = policy_spec(policy)
    session = onnxruntime.InferenceSession(str(exported(policy, tmp_path)))
    images, noise = example(policy)
    for options in (
        {}, {"game": "hades"}, {"dropped": 1}, {"game": "celeste", "cfg_scale": 2.5},
        {"game": "hades", "dropped": 1, "cfg_scale": 0.5},
    ):  # fmt: skip
        found = run(session, spec, Request(images, noise, **options))  # type: ignore[arg-type]
        assert relative(found, sampled(policy, images, noise, **options), noise) < 1e-5, options
    weights = np.zeros(spec.horizon, np.float32)
    weights[:5] = 1
    prefix = Prefix(noise[::-1].copy(), weights)
    joined = run(session, spec, Request(images, noise, prefix=prefix))
    assert np.abs(joined[:5] - prefix.actions[:5]).max() < 1e-5
    assert np.abs(joined[5:] - sampled(policy, images, noise)[5:]).max() > 1e-6


@pytest.mark.parametrize(("precision", "bar"), [("bfloat16", 2e-2), ("int8", 4e-2), ("fp8", 0.15)])
def test_as_the_card_computes(precision: str, bar: float, tmp_path: Path) -> None:
    """The very model that is compiled, evaluated type by type: no node may mix up its types."""
    policy = random_policy("tiny", 1)
    path = exported(policy, tmp_path, precision)
    images, noise = example(policy)
    found = run(ReferenceEvaluator(str(path)), policy_spec(policy), Request(images, noise))
    error = relative(found, sampled(policy, images, noise), noise)
    assert 1e-4 < error < bar, "of the movement"


@pytest.mark.parametrize("precision", ["int8", "fp8"])
def test_the_cost_of_8_bits(precision: str, tmp_path: Path) -> None:
    """The bar that a quantised engine has to meet: 5 % of the actions."""
    policy = random_policy("tiny", 0)
    path = exported(policy, tmp_path, precision, torch.float32)
    session = onnxruntime.InferenceSession(str(path))
    for seed in range(3):
        images, noise = example(policy, seed)
        found = run(session, policy_spec(policy), Request(images, noise))
        wanted = sampled(policy, images, noise)
        assert 1e-4 < relative(found, wanted) < 5e-2
    small = {t.data_type for t in onnx.load(path).graph.initializer}
    assert getattr(onnx.TensorProto, {"int8": "INT8", "fp8": "FLOAT8E4M3FN"}[precision]) in small


def test_rounding_to_8_bits() -> None:
    """Each output has its own scale; an output without weights must not become nan."""
    weight = torch.randn(70, 80, generator=torch.Generator().manual_seed(0))
    weight[3] = 0
    weight[4] *= 1000
    for kind, allowed in (("int8", 0.005), ("fp8", 0.04)):
        small, scale = rounded(weight, kind)
        back = small.float() * scale.float().unsqueeze(1)
        assert torch.equal(back[3], weight[3])
        for row in (0, 4):
            limit = allowed * float(weight[row].abs().max())
            assert float((back[row] - weight[row]).abs().max()) < limit
        bf16 = rounded(weight.bfloat16(), kind)[1]
        assert bf16.dtype is torch.bfloat16, "the scale's type is the product's"


def test_what_activations_are_measured_on() -> None:
    """Every product must have been seen, with frames of the right range."""
    graph = ChunkGraph(random_policy("tiny", 0), torch.float32)
    frames = pictures_to_measure(64)[:4]
    assert (frames.shape, frames.dtype) == ((4, 3, 64, 64), np.float32)
    assert frames.min() >= -1
    assert frames.max() <= 1
    assert min(frame.std() for frame in frames) > 0.1
    largest = largest_inputs(graph, frames)
    layers = {name for name, part in graph.named_modules() if type(part).__name__ == "Dense"}
    assert largest.keys() == layers
    assert min(largest.values()) > 0
    assert largest["frames.patch"] == pytest.approx(float(np.abs(frames).max()))


def test_what_the_model_says_of_itself(tmp_path: Path) -> None:
    """Whoever finds the file must be able to tell what it computes; no path of ours may leak."""
    policy = quick_policy(tmp_path)
    path = exported(policy, tmp_path, "bfloat16")
    model = onnx.load(path)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["nitropilot.precision"] == "bfloat16"
    assert facts["nitropilot.graph"] == graph_version()
    spec = json.loads(facts["nitropilot.spec"])
    assert spec == json.loads(json.dumps(dataclasses.asdict(policy_spec(policy))))
    assert b"/policy/" not in path.read_bytes()
    inputs = {one.name: one.type.tensor_type for one in model.graph.input}
    assert tuple(inputs) == INPUTS
    first = inputs["noise"].shape.dim[0]
    assert (first.dim_param, inputs["mix"].shape.dim[1].dim_param) == ("batch", "batch")
    kinds = {kind.elem_type for name, kind in inputs.items() if name != "order"}
    assert kinds == {onnx.TensorProto.FLOAT}


def test_weights_beside_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of 2 GB cannot be one file: its parts must find each other, and go together."""
    policy = fixture_policy("horizon18_steps4")
    spec = policy_spec(policy)
    path, data = tmp_path / "float32.onnx", tmp_path / "float32.onnx.data"
    exported(policy, tmp_path)
    inside = path.stat().st_size
    assert not data.exists()
    monkeypatch.setattr(onnx_writer, "INSIDE", 0)
    exported(policy, tmp_path)
    assert path.stat().st_size < inside
    assert data.stat().st_size > inside / 2
    images, noise = example(policy)
    session = onnxruntime.InferenceSession(str(path))
    found = run(session, spec, Request(images, noise))
    assert relative(found, sampled(policy, images, noise), noise) < 1e-5
    monkeypatch.undo()
    exported(policy, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["float32.onnx"]


def test_nothing_is_left_by_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut-off model must not stand where the next start looks for a good one."""
    forms = {name: form for name, form in onnx_operators.FORMS.items() if name != "relu"}
    monkeypatch.setattr(onnx_operators, "FORMS", forms)
    with pytest.raises(EngineError, match="'relu'"):
        exported(fixture_policy("horizon18_steps4"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_refused(tmp_path: Path) -> None:
    """One line each, before minutes of work where that can be."""
    with pytest.raises(EngineUnavailable, match="'int3'") as failure:
        export_onnx("no-such-file.pt", tmp_path / "a.onnx", "int3")
    assert "bfloat16" in failure.value.hint
    with pytest.raises(EngineError, match="cannot write") as unwritable:
        export_onnx(str(fixture_path("horizon18_steps4")), tmp_path / "no" / "folder.onnx")
    assert "No such file" in str(unwritable.value)


def test_a_checkpoint_keeps_its_fingerprint(tmp_path: Path) -> None:
    """The fingerprint in the model is that of the file which it was made from."""
    policy = tmp_path / "one.safetensors"
    save_policy(fixture_policy("horizon18_steps4"), policy)
    export_onnx(str(policy), tmp_path / "one.onnx")
    facts = {e.key: e.value for e in onnx.load(tmp_path / "one.onnx").metadata_props}
    spec = json.loads(facts["nitropilot.spec"])
    assert (spec["name"], len(spec["fingerprint"])) == ("one.safetensors", 64)
    assert spec["fingerprint"] == open_policy(str(policy)).fingerprint
