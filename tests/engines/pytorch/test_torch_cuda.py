"""What can be known of the CUDA engine without a card; ``make test-gpu`` tests it on one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounter

from nitropilot.engines import EngineUnavailable, InferenceFailed, OutOfMemory
from nitropilot.engines.cache import new_entry
from nitropilot.engines.pytorch import cuda as torch_cuda
from nitropilot.engines.pytorch import fused as torch_fused
from nitropilot.engines.pytorch.cuda import TorchCudaEngine
from nitropilot.engines.wish import Wish
from nitropilot.policy import random_policy
from nitropilot.policy.network.graph import FramePart, SamplerPart
from tests.engines.pytorch import recorded_cuda
from tests.gpu.bare import bare_policy
from tests.gpu.compare import example, prefix, reference, relative
from tests.support.places import ROOT

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy

PACKAGES = {"torch", "numpy", "safetensors"}
"""What a bare CUDA machine has."""


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in for the card, and a cache of its own."""
    recorded_cuda.install(monkeypatch)
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Two frames, padding, games and positions; not to be changed."""
    return bare_policy("tiny", 4, frames=2, padding=5, game_rows=3, positions="sinusoidal")


def engine_for(policy: Policy, **options: Any) -> TorchCudaEngine:
    """The engine on the stand-in."""
    return TorchCudaEngine(policy, dtype=torch.float32, device="cpu", **options)


def test_the_same_policy_without_pydantic() -> None:
    """What the card's tests compute with must be what everybody else computes with."""
    bare, usual = bare_policy("tiny", 3), random_policy("tiny", 3)
    assert bare.fingerprint == usual.fingerprint
    assert bare.state_dict().keys() == usual.state_dict().keys()
    for name, tensor in bare.state_dict().items():
        assert torch.equal(tensor, usual.state_dict()[name]), name
    request = example(usual)
    assert np.array_equal(reference(bare, request), reference(usual, request))
    full, shapes = random_policy_shapes("full"), bare_policy("full", on_meta=True)
    assert {k: v.shape for k, v in shapes.state_dict().items()} == full


def random_policy_shapes(size: str) -> dict[str, torch.Size]:
    """Shapes of the weights of a random policy."""
    from nitropilot.engines.measure.roofline import shapes_only

    return {k: v.shape for k, v in shapes_only(f"random:{size}").state_dict().items()}


def test_the_cards_tests_need_three_packages_only() -> None:
    """A rented card comes bare: a fourth package would leave every GPU test unrun."""
    script = (
        "import sys, sysconfig, unittest\n"
        "from pathlib import Path\n"
        f"allowed = {PACKAGES!r}\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in BANNED and not inside_torch():\n"
        "            raise ModuleNotFoundError(f'{name} is not on a bare machine', name=name)\n"
        "def inside_torch():\n"
        "    frame = sys._getframe(2)\n"
        "    while frame and 'importlib' in frame.f_code.co_filename:\n"
        "        frame = frame.f_back\n"
        "    return frame is not None and '/torch/' in frame.f_code.co_filename\n"
        "from importlib.metadata import packages_distributions\n"
        "BANNED = set(packages_distributions()) - allowed - {'nitropilot'}\n"
        "BANNED -= {'policy', 'engines', 'agent', 'capture', 'controller', 'server',\n"
        "           'simulator', 'torchgen', 'functorch', 'sympy', 'mpmath', 'networkx',\n"
        "           'jinja2', 'markupsafe', 'fsspec', 'filelock', 'typing_extensions'}\n"
        "assert {'pydantic', 'pytest', 'platformdirs', 'cv2', 'psutil', 'rich'} <= BANNED\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import benchmarks.gpu\n"
        "done = unittest.main('tests.gpu.test_cuda', argv=['x', '-v'], exit=False)\n"
        "sys.exit(not done.result.wasSuccessful())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "finds no CUDA device" in done.stderr, "skipped tests say why"


@pytest.mark.usefixtures("card")
def test_every_option_through_static_buffers(policy: Policy) -> None:
    """A replay sees only what was copied into its inputs."""
    engine = engine_for(policy)
    for number, options in enumerate(
        (
            {}, {"game": "1"}, {"dropped": 1}, {"game": "2", "cfg_scale": 2.5},
            {"game": "2", "dropped": 1, "cfg_scale": 0.5}, {},
        )
    ):  # fmt: skip
        request = example(policy, number, **options)
        (chunk,) = engine.infer_batch([request])
        assert relative(chunk.actions, reference(policy, request), request.noise) < 1e-5, options
    kept = prefix(policy, 5)
    (joined,) = engine.infer_batch([example(policy, 0, prefix=kept)])
    assert np.abs(joined.actions[:5] - kept.actions[:5]).max() < 1e-5


@pytest.mark.usefixtures("card")
def test_a_shape_is_captured_once(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture takes a hundred times as long as a chunk."""
    captured = []

    def record(run: Any) -> Any:
        captured.append(run)
        return torch_cuda.record(run)

    monkeypatch.setattr(TorchCudaEngine, "_record", staticmethod(record))
    engine = engine_for(policy, max_batch=2)
    requests = [example(policy, 0), example(policy, 1, dropped=1)]
    for _ in range(3):
        for batch in (requests[:1], requests[1:], requests):
            for request, chunk in zip(batch, engine.infer_batch(batch), strict=True):
                assert relative(chunk.actions, reference(policy, request)) < 1e-5
    assert len(captured) == 3, "one graph for a whole chunk of each shape"


@pytest.mark.usefixtures("card")
def test_the_card_times_the_parts(policy: Policy) -> None:
    """Seconds since the launch would say that the vision takes no time at all."""
    engine = engine_for(policy)
    (first,) = engine.infer_batch([example(policy)])
    assert first.seconds["capture"] > 0
    (chunk,) = engine.infer_batch([example(policy)])
    assert set(chunk.seconds) == {"preprocess", "vision", "sampler", "transfer"}
    assert chunk.seconds["vision"] == pytest.approx(1e-3)
    assert chunk.seconds["sampler"] == pytest.approx(1e-3)


@pytest.mark.usefixtures("card")
def test_rocm_times_the_whole(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """HIP refuses events that a graph records."""
    monkeypatch.setattr(torch.version, "hip", "6.4")
    engine = engine_for(policy)
    engine.infer_batch([example(policy)])
    (chunk,) = engine.infer_batch([example(policy)])
    assert set(chunk.seconds) == {"preprocess", "inference", "transfer"}
    assert chunk.seconds["inference"] == pytest.approx(1e-3)


@pytest.mark.usefixtures("card")
def test_a_closed_engine(policy: Policy) -> None:
    """Also for shapes that had been captured."""
    engine = engine_for(policy)
    engine.infer_batch([example(policy)])
    engine.close()
    engine.close()
    with pytest.raises(InferenceFailed, match="the engine is closed"):
        engine.infer_batch([example(policy)])


@pytest.mark.usefixtures("card")
def test_too_little_memory_during_a_capture(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chooser falls back on this error and no other."""

    def fail(run: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    engine = engine_for(policy)
    monkeypatch.setattr(TorchCudaEngine, "_record", staticmethod(fail))
    with pytest.raises(OutOfMemory, match=r"CUDA out of memory\.$"):
        engine.infer_batch([example(policy)])


def test_blocks_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen steps of eight blocks in a row would compile for many minutes; and nothing
    may be left out, which ``fullgraph`` refuses."""
    counter = CompileCounter()
    options = {"backend": counter, "fullgraph": True, "dynamic": False}
    monkeypatch.setattr(torch_fused, "OPTIONS", options)
    torch._dynamo.reset()
    policy = bare_policy("tiny", 4)
    engine_free, fused = [(FramePart(policy), SamplerPart(policy)) for _ in range(2)]
    torch_fused.fuse(*fused)
    request = example(policy)
    answers = []
    with torch.inference_mode():
        order = torch.arange(1, 17, dtype=torch.int32)[None]
        rest = (torch.zeros(1, 16, 25), torch.zeros(1, 16, 1), torch.eye(1))
        noise = torch.from_numpy(request.noise)[None]
        images = torch.from_numpy(request.observation)
        for frames, sampler in (engine_free, fused):
            answers.append(sampler(noise, frames(images, order), *rest).numpy())
    torch._dynamo.reset()
    assert relative(answers[1], answers[0]) < 1e-6
    assert counter.frame_count == 3, "a vision block, a mixer block, a step"


@pytest.mark.parametrize(
    ("error", "fused_ms", "used", "says"),
    [(1e-3, 4.0, True, "4.00 ms instead of 6.00"), (1e-3, 6.5, False, "take 6.50 ms"),
     (0.5, 4.0, False, "differ by 5.0e-01"), (float("nan"), 4.0, False, "differ by nan")],
)  # fmt: skip
def test_fused_kernels_must_be_right_and_faster(
    error: float, fused_ms: float, used: bool, says: str
) -> None:
    """Slower or other kernels are no improvement."""
    found = torch_fused.verdict(error, 2e-2, 6.0, fused_ms)
    assert found["fused"] is used
    assert says in found["why"]


def opened(reason: str = "a test") -> TorchCudaEngine:
    """What the chooser would open; on the stand-in, whose device is the processor."""
    return torch_cuda.open_engine(Wish("random:tiny", "torch", "cuda", "float32"), reason)


@pytest.fixture
def on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """``device="cuda"`` means the stand-in."""
    start = TorchCudaEngine.__init__

    def start_here(self: TorchCudaEngine, *args: Any, **options: Any) -> None:
        start(self, *args, **{**options, "device": "cpu"})

    monkeypatch.setattr(TorchCudaEngine, "__init__", start_here)


@pytest.mark.usefixtures("card", "on_the_processor")
def test_what_was_prepared_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was not is named, with the command that does it (invariant 4)."""
    monkeypatch.setattr(torch_fused, "fuse", lambda frames, sampler: None)
    engine = opened()
    assert "nitropilot engines build --engine torch" in engine.info.reason
    assert "fused" not in engine.info.device
    note(fused=True, why="")
    engine = opened()
    assert "fused kernels" in engine.info.device
    plain = opened_with_note(fused=False, why="fused ones take 9 ms, these 6")
    assert plain.info.reason == "a test; kernels one by one: fused ones take 9 ms, these 6"
    request = example(engine.spec)
    found = [one.infer_batch([request])[0].actions for one in (engine, plain)]
    assert relative(*found) < 1e-6


def note(**about: Any) -> None:
    """Write what ``engines build`` would."""
    with new_entry("torch", torch_fused._key("random:tiny", torch.float32)) as (_, noted):
        noted |= about


def opened_with_note(**about: Any) -> TorchCudaEngine:
    """The engine after ``note``."""
    note(**about)
    return opened()


@pytest.mark.usefixtures("card", "on_the_processor")
def test_a_compiler_that_fails_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was removed since, say: the policy still plays, and the reason is told."""

    def fail(*_: object) -> None:
        raise AssertionError("no gcc\nand a long trace")

    note(fused=True, why="")
    monkeypatch.setattr(torch_fused, "fuse", fail)
    engine = opened()
    assert engine.info.reason == "a test; its kernels cannot be fused any more: no gcc"
    assert engine.warm_up() > 0


@pytest.mark.usefixtures("card", "on_the_processor")
def test_preparing(monkeypatch: pytest.MonkeyPatch) -> None:
    """``engines build --engine torch`` compares both and notes what it found."""
    monkeypatch.setattr(torch_fused, "fuse", lambda frames, sampler: None)
    monkeypatch.setattr(torch_fused, "hindrance", lambda: "there is no C compiler")
    with pytest.raises(EngineUnavailable, match="there is no C compiler"):
        torch_fused.build("random:tiny", torch.float32, lambda what, done: None)
    monkeypatch.setattr(torch_fused, "hindrance", lambda: "")
    told: list[float] = []
    about = torch_fused.build("random:tiny", torch.float32, lambda what, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert about["error"] < 1e-6
    assert min(about["plain_ms"], about["fused_ms"], about["seconds"]) > 0
    assert ("fused kernels" in opened().info.device) is about["fused"]
    assert torch_fused.was_prepared("random:tiny", torch.float32, 2)[0] is False


def test_what_hinders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A missing compiler shows as a page of C errors otherwise."""
    monkeypatch.setattr(torch_fused, "find_spec", lambda name: None)
    assert "Triton is not installed" in torch_fused.hindrance()
    monkeypatch.setattr(torch_fused, "find_spec", lambda name: object())
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert torch_fused.hindrance() == "there is no C compiler"
    monkeypatch.setenv("CC", sys.executable)
    assert torch_fused.hindrance() == ""
