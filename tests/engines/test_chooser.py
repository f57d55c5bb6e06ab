"""Choosing an engine: what is refused, in one line, and what is said of the choice."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from engines import ENGINES, EngineUnavailable, engine_reports, load_engine
from nitropilot import NitroPilotError
from policy import CheckpointError, PolicyError

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")


@pytest.mark.parametrize(
    ("options", "says"),
    [({"engine": "caffe"}, "no engine 'caffe'"), ({"engine": ""}, "no engine ''"),
     ({"device": "gpu"}, "no device 'gpu'"),
     pytest.param({"device": "cuda"}, "finds no CUDA device", marks=no_cuda)],
)  # fmt: skip
def test_engines_that_are_not_there(options: dict[str, str], says: str) -> None:
    """A typing error and a missing driver are the user's to mend: one line, with the fix."""
    with pytest.raises(EngineUnavailable, match=says) as failure:
        load_engine("random:tiny", **options)
    assert failure.value.hint
    assert "\n" not in failure.value.line()


def test_the_choice_comes_before_the_loading() -> None:
    """Reading gigabytes to say at the end that the device is wrong wastes a minute."""
    with pytest.raises(EngineUnavailable):
        load_engine("no-such-file.pt", device="tpu")


@pytest.mark.parametrize(
    ("policy", "error"),
    [("no-such-file.pt", CheckpointError), ("random:huge", PolicyError),
     ("random:tiny:x", PolicyError)],
)  # fmt: skip
def test_policies_that_are_not_there(policy: str, error: type[NitroPilotError]) -> None:
    """The policy's own error must pass through unchanged."""
    with pytest.raises(error) as failure:
        load_engine(policy)
    assert failure.value.line()


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_what_was_chosen_and_why(engine: str, device: str) -> None:
    """No silent fallback (invariant 4): on the CPU for want of a GPU must be said."""
    chosen = load_engine("random:tiny", engine=engine, device=device)
    try:
        if device == "cpu":
            assert chosen.info.device.startswith("cpu")
            assert "asked for" in chosen.info.reason
        elif not torch.cuda.is_available():
            assert "finds no CUDA device" in chosen.info.reason
        assert chosen.spec.is_random
        assert chosen.spec.name.startswith("random:tiny")
    finally:
        chosen.close()


def test_a_checkpoint_by_its_path() -> None:
    """What `--policy FILE` does."""
    file = Path(__file__).parents[1] / "policy" / "fixtures" / "single_frame.pt"
    engine = load_engine(str(file), device="cpu")
    assert engine.spec.name == file.name
    assert not engine.spec.is_random
    engine.close()


def test_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """`doctor` shows every engine, with the fix for those that are missing."""
    (report,) = engine_reports()
    assert (report.name, report.available) == ("torch", True)
    assert "runs on" in report.reason
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    (report,) = engine_reports()
    assert (report.available, report.hint) == (False, "pip install torch")
