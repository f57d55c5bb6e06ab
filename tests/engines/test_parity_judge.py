"""The parity suite turns red for an engine that is wrong; for one that is not here it skips."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.engines import (
    EngineError,
    EngineReport,
    EngineUnavailable,
    WrongResult,
    load_engine,
)
from nitropilot.engines.chooser import BACKENDS
from nitropilot.policy import open_policy
from tests.engines import test_parity as suite
from tests.policy.samples import fixture_path

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.engines import Engine
    from nitropilot.engines.chooser import Backend

POLICY = "random:tiny:9"
QUICK = str(fixture_path("horizon18_steps4"))
"""Compiled in a third of the time."""
MUTANT = """
import openvino
import torch

convert = openvino.convert_model

def scaled(part, **options):
    with torch.no_grad():
        for weight in part.buffers():
            if weight.is_floating_point():
                weight.mul_(1.3)
    return convert(part, **options)

openvino.convert_model = scaled
"""
"""In the compiler's process alone, every weight is 1.3 of what it was once torch has answered."""


def backend_of(engine: str, device: str = "cpu") -> Backend:
    """The way to run a policy of that name."""
    return next(b for b in BACKENDS if (b.engine, b.device) == (engine, device))


@pytest.fixture
def wrong_openvino(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenVINO that compiles other weights than it is given."""
    pytest.importorskip("openvino", reason="openvino is an extra")
    (tmp_path / "sitecustomize.py").write_text(MUTANT)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path / "cache"))


def judged(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """What the suite does with an engine that could be loaded, in float32."""
    policy = open_policy(POLICY)
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (90, 160, 3), np.uint8)
    requests = suite.requests_for(policy, {"a picture": picture})
    movement = suite.MOVEMENT * suite.BARS["float32"]
    suite.compare(engine, policy, requests, "float32", movement, capsys)


@pytest.mark.usefixtures("wrong_openvino")
def test_an_engine_that_compiles_wrongly_is_red() -> None:
    """The builder finds it, and its word for that was once the word for "not installed": the
    suite skipped the very engine that it is for."""
    with pytest.raises(WrongResult, match="relative error"):
        suite.open_or_skip(backend_of("openvino"), QUICK, "float32")


@pytest.mark.usefixtures("wrong_openvino")
def test_players_get_the_next_engine() -> None:
    """For them nothing has changed: another engine, and the reason."""
    engine = load_engine(QUICK, device="cpu", precision="float32")
    assert engine.info.name == "torch"
    assert "not openvino on cpu: " in engine.info.reason
    assert "relative error" in engine.info.reason
    engine.close()
    assert WrongResult.code == EngineUnavailable.code


def test_an_engine_that_computes_wrongly_is_red(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever no builder looks at is found by the comparison."""
    engine = load_engine(POLICY, engine="torch", device="cpu", precision="float32")
    judged(engine, capsys)
    engine = load_engine(POLICY, engine="torch", device="cpu", precision="float32")
    with torch.no_grad():
        for part in vars(engine)["_parts"]:
            for weight in part.buffers():
                if weight.is_floating_point():
                    weight.mul_(1.3)
    with pytest.raises(AssertionError):
        judged(engine, capsys)


@pytest.mark.parametrize(
    "error", [EngineUnavailable("the library is damaged"), EngineError("it crashed")]
)
def test_an_engine_that_is_here_and_does_not_load_is_red(
    monkeypatch: pytest.MonkeyPatch, error: EngineError
) -> None:
    """Only what is not installed may be skipped."""

    def fail(*_: object, **__: object) -> Engine:
        raise error

    monkeypatch.setattr(suite, "load_engine", fail)
    with pytest.raises(EngineError) as raised:
        suite.open_or_skip(backend_of("torch"), POLICY, "float32")
    assert raised.value is error


def test_an_engine_that_is_not_here_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has every card."""
    reports = tuple(EngineReport(b.label, False, "no such card") for b in BACKENDS)
    monkeypatch.setattr(suite, "engine_reports", lambda: reports)
    with pytest.raises(pytest.skip.Exception, match="no such card"):
        suite.open_or_skip(backend_of("torch", "cuda"), POLICY, "float32")


@pytest.mark.parametrize(
    ("computes", "skipped"),
    [("float32", True), ("bfloat16", False), ("float32 (1 ms, in bfloat16 2)", False)],
)
def test_processors_without_bfloat16(
    monkeypatch: pytest.MonkeyPatch, computes: str, skipped: bool
) -> None:
    """OpenVINO refuses it there; a processor that has it must not be skipped."""
    reports = tuple(EngineReport(b.label, True, f"openvino 1, {computes}") for b in BACKENDS)
    monkeypatch.setattr(suite, "engine_reports", lambda: reports)
    monkeypatch.setattr(suite, "load_engine", lambda *_, **__: os)
    try:
        suite.open_or_skip(backend_of("openvino"), POLICY, "bfloat16")
    except pytest.skip.Exception:
        assert skipped
    else:
        assert not skipped
