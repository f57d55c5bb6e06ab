"""8 bits for what is multiplied, where a processor has instructions for it."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nitropilot.engines.calibration.pictures import pictures_to_measure
from nitropilot.engines.errors import EngineUnavailable, WrongResult
from nitropilot.engines.wish import Wish
from tests.policy.samples import fixture_path

builder = pytest.importorskip("nitropilot.engines.openvino.build", reason="openvino is an extra")
pytest.importorskip("nncf", reason="nncf is an extra")
eight_bits = importlib.import_module("nitropilot.engines.openvino.eight_bits")
apart = importlib.import_module("nitropilot.engines.openvino.apart")
engine = importlib.import_module("nitropilot.engines.openvino.engine")

QUICK = str(fixture_path("horizon18_steps4"))
"""Compiled in a third of the time that 16 steps take."""
pytestmark = pytest.mark.filterwarnings("ignore")
"""Here libraries convert and measure, and warn of what is theirs; builds run apart otherwise."""

KINDS = [
    ("flags\t\t: fpu avx2 avx512f avx512_vnni", True),
    ("flags\t\t: fpu avx2 avx_vnni", True),
    ("flags\t\t: fpu amx_int8 amx_tile", True),
    ("flags\t\t: fpu avx2 avx512f avx512_bf16", False),
    ("Features\t: fp asimd", False),
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was compiled before."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path / "cache"))


def test_what_compiling_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What runs needs no converter: it is missing only where 8 bits are first asked for."""

    def gone(_job: object) -> None:
        raise ModuleNotFoundError("No module named 'nncf'", name="nncf")

    facts = {field.name: 0 for field in fields(builder.Job)}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(facts)))
    monkeypatch.setattr(builder, "build", gone)
    builder.main()
    error = json.loads(capsys.readouterr().out)["error"]
    assert apart.KINDS[error["kind"]] is EngineUnavailable
    assert error["message"] == "nncf is not installed"
    assert "nitropilot[int8]" in error["hint"]


@pytest.mark.parametrize(("flags", "products"), KINDS)
def test_which_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, products: bool
) -> None:
    """Without such instructions nothing is won and something is rounded."""
    text = f"processor\t: 0\nmodel name\t: One\n{flags}\nbogomips\t: 1\n"
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(eight_bits, "PROCESSORS", tmp_path / "cpuinfo")
    assert eight_bits.has_products() is products
    keys = set()
    for has in (True, False):
        monkeypatch.setattr(engine, "has_products", lambda has=has: has)
        key, job = engine.plan(Wish("random:tiny", device="cpu", precision="int8"))
        assert job["products"] is has
        assert not engine.plan(Wish("random:tiny", device="cpu"))[1]["products"]
        keys.add(key)
    assert len(keys) == 2, "moved to another machine, it is compiled again"


def job(batched: bool = False) -> Any:
    """As for a processor that has them."""
    return builder.Job(QUICK, "a" * 32, "CPU", "int8", "float32", batched, products=True)


def quantised(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, int]]]:
    """The models that become 8 bits inside: what they were shown, and the kinds of their parts."""
    found: list[tuple[Any, dict[str, int]]] = []
    real = builder.light_products

    def watch(model: Any, inputs: Any) -> Any:
        light = real(model, inputs)
        kinds = [node.get_type_name() for node in light.get_ops()]
        shown = np.stack([images for images, _ in inputs])
        found.append((shown, {kind: kinds.count(kind) for kind in set(kinds)}))
        return light

    monkeypatch.setattr(builder, "light_products", watch)
    monkeypatch.setattr(builder, "SMALL", 0)
    return found


@pytest.mark.parametrize("batched", [False, True])
def test_the_vision_encoder_is_measured_on_real_pictures(
    monkeypatch: pytest.MonkeyPatch, batched: bool
) -> None:
    """Noise has no edges and no sky: what it makes of a layer is not what a game makes."""
    monkeypatch.setitem(builder.ALLOWED_ERROR, "int8", 0.2)  # so small a policy rounds more
    models = quantised(monkeypatch)
    about = builder.build(job(batched))
    ((shown, kinds),) = models
    wanted = pictures_to_measure(shown.shape[-1])[: shown.shape[0] * shown.shape[1]]
    assert len(wanted) == (63 if batched else 64)
    np.testing.assert_array_equal(shown.reshape(wanted.shape), wanted)
    assert kinds["FakeQuantize"] > 10
    assert about["products"]
    assert 1e-4 < about["error"] < 0.2


def test_where_it_rounds_too_much_the_weights_alone_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A player who wants it fast does not want it wrong."""
    models = quantised(monkeypatch)
    real, allowed = builder._error, []

    def strict(job: Any, found: Any, wanted: Any) -> float:
        if job.products:
            allowed.append(float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted)))
            raise WrongResult("it is off by 6e-2")
        return real(job, found, wanted)

    monkeypatch.setattr(builder, "_error", strict)
    about = builder.build(job())
    assert len(models) == len(allowed) == 1
    assert not about["products"]
    assert about["error"] < 5e-2
    said = "with activations in 8 bits it is off by 6e-2: only the weights are"
    assert about["remark"] == said
    answer = subprocess.CompletedProcess([], 0, json.dumps({"about": about}), "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    apart.build({"policy": QUICK, "precision": "int8"})
    assert said in caplog.text


def test_a_small_policy_has_nothing_to_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantising it takes longer than it will ever save."""
    monkeypatch.setattr(builder, "light_products", pytest.fail)
    assert not builder.build(job())["products"]
