"""Choosing an engine: what is refused, in one line, and what is said of the choice."""

from __future__ import annotations

import sys

import pytest
import torch

from nitropilot import NitroPilotError
from nitropilot.engines import EngineUnavailable, chooser, engine_reports, load_engine
from nitropilot.policy import CheckpointError, PolicyError
from tests.support.places import POLICIES

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")


@pytest.mark.parametrize(
    ("options", "says"),
    [({"engine": "caffe"}, "no engine 'caffe'"), ({"engine": ""}, "no engine ''"),
     ({"device": "vulkan"}, "no device 'vulkan'"), ({"precision": "int4"}, "no precision 'int4'"),
     ({"engine": "torch", "device": "npu"}, "'torch' does not run on device 'npu'"),
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


def test_a_mistyped_name_is_said_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a slow machine that would be after most of a minute."""
    monkeypatch.setattr(chooser, "_speeds", lambda **_: pytest.fail("it was measured"))
    with pytest.raises(CheckpointError):
        load_engine("no-such-file.pt")


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


@pytest.mark.parametrize("engine", ["auto", "torch"])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_what_was_chosen_and_why(engine: str, device: str) -> None:
    """No silent fallback (invariant 4): on the CPU for want of a GPU must be said."""
    chosen = load_engine("random:tiny", engine=engine, device=device)
    try:
        if device == "cpu":
            assert "cpu" in chosen.info.device.lower()
            assert "asked for" in chosen.info.reason
        elif engine == "auto" and not torch.cuda.is_available():
            assert "finds no CUDA device" in chosen.info.reason
        assert chosen.spec.is_random
        assert chosen.spec.name.startswith("random:tiny")
    finally:
        chosen.close()


def test_a_checkpoint_by_its_path() -> None:
    """What `--policy FILE` does."""
    file = POLICIES / "single_frame.pt"
    engine = load_engine(str(file), device="cpu")
    assert engine.spec.name == file.name
    assert not engine.spec.is_random
    engine.close()


def test_reports() -> None:
    """`doctor` shows every way to run a policy, with the fix for those that do not work."""
    reports = {report.name: report for report in engine_reports()}
    assert reports["torch on cpu"].available
    assert "torch" in reports["torch on cpu"].reason
    for report in reports.values():
        assert report.available or (report.reason and report.hint), report


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import that fails must become one line with the way to install it."""
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("nitropilot.engines.pytorch.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(EngineUnavailable, match="torch is not installed") as failure:
        load_engine("random:tiny", engine="torch", device="cpu")
    assert failure.value.hint == "pip install torch"
