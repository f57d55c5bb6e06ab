"""The bench: that its figures are what it says they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from nitropilot.engines import EngineError, EngineUnavailable, OutOfMemory, Request
from nitropilot.engines.measure import bench
from nitropilot.engines.measure.bench import BenchSettings, compare, percentiles, turns_of
from nitropilot.engines.measure.bench_process import Measured
from nitropilot.engines.measure.bench_report import best_of, held_against, weights_in
from nitropilot.engines.measure.roofline import (
    Ceilings,
    Work,
    bound_seconds,
    count_work,
    measure_ceilings,
    shapes_only,
)
from nitropilot.engines.pytorch.baseline import BaselineEngine
from nitropilot.policy import CheckpointError, ObservationError, PolicyError, random_policy
from nitropilot.policy.network.graph import FramePart, SamplerPart
from nitropilot.policy.network.graph_layers import Dense
from tests.engines.examples import example, relative, sampled
from tests.policy.samples import NAMES, fixture_path, fixture_policy

if TYPE_CHECKING:
    from pathlib import Path

QUICK = BenchSettings("random:tiny", "torch", "cpu", repeat=6, roofline=False, picture=(90, 160))


def job(**changes: Any) -> dict[str, Any]:
    """A job for a measured process."""
    return {
        "policy": "random:tiny", "engine": "torch", "device": "cpu", "precision": "float32",
        "picture": (90, 160), "preload": (), **changes,
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_baseline_computes_the_same(name: str) -> None:
    """With games, guidance and missing frames too; a wrong baseline flatters everybody."""
    policy = fixture_policy(name)
    engine = BaselineEngine(fixture_policy(name))
    images, noise = example(policy)
    options: list[dict[str, Any]] = [{}]
    if policy.games:
        options += [{"game": "hades"}, {"dropped": 1}, {"game": "celeste", "cfg_scale": 2.5}]
    for one in options:
        found = engine.infer(images, noise, **one).actions
        assert relative(found, sampled(policy, images, noise, **one), noise) < 1e-4, one
    with pytest.raises(ObservationError, match="2 requests"):
        engine.infer_batch([Request(images, noise)] * 2)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(images, noise)


def test_the_baseline_keeps_nothing() -> None:
    """It is the plain way only if every step does all of it again, and the vision none."""
    policy = random_policy("tiny")
    calls = {"vision": 0, "mixer": 0, "keys": 0, "timestep": 0}

    def count(name: str) -> Any:
        def hook(*_: object) -> None:
            calls[name] += 1

        return hook

    crossing = [block for block in policy.model.blocks if block.crosses]
    policy.vision_encoder.register_forward_hook(count("vision"))
    policy.vl_self_attention_model.register_forward_hook(count("mixer"))
    crossing[0].attn1.to_k.register_forward_hook(count("keys"))
    policy.model.timestep_encoder.timestep_embedder.register_forward_hook(count("timestep"))
    BaselineEngine(policy).warm_up()
    assert calls == {"vision": 1, "mixer": 16, "keys": 16, "timestep": 16}


def test_a_whole_report() -> None:
    """Every figure is there, is a measurement, and fits the others."""
    told: list[tuple[str, float]] = []
    settings = BenchSettings(
        "random:tiny", "torch", "cpu", "bfloat16", repeat=7, baseline=True, picture=(90, 160)
    )
    report = bench.bench(settings, lambda what, done: told.append((what, done)))
    assert report["engine"]["precision"] == "bfloat16"
    assert report["chunks"] == 7
    for row in report["ms"].values():
        assert 0 < row["p50"] <= row["p90"] <= row["p99"]
    parts = [report["ms"][part]["p50"] for part in bench.PARTS]
    assert sum(parts) == pytest.approx(report["ms"]["total"]["p50"], rel=0.5)
    assert 0 < report["load_s"] < report["cold_start_s"]
    assert 50 < report["peak_mb"] < 5000
    assert report["device_peak_mb"] is None
    baseline, roofline = report["baseline"], report["roofline"]
    assert baseline["engine"]["name"] == "baseline"
    assert baseline["engine"]["precision"] == "float32"
    assert baseline["chunks"] == bench.BASELINE_REPEAT
    ratio = baseline["ms"]["total"]["p50"] / report["ms"]["total"]["p50"]
    assert baseline["ratio"] == pytest.approx(ratio, rel=0.01)
    assert baseline["ratio_low"] <= baseline["ratio_high"]
    assert 1e-6 < baseline["relative_error"] < 2e-2, "bfloat16 rounds, and no more"
    work = count_work(shapes_only("random:tiny"))
    read = sum(part.bytes("bfloat16") for part in work.values())
    assert roofline["mb_read"] == pytest.approx(read / 1e6, abs=0.11)
    assert roofline["times_least"] > 1
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert told[-1] == ("done", 1.0)


def test_the_chunks_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that slows down halfway must meet both, or the ratio is an accident."""
    asked: list[str] = []
    ask = Measured.ask

    def note(self: Measured, word: str) -> dict[str, Any]:
        asked.append(self._name if word == "chunk" else word)
        return ask(self, word)

    monkeypatch.setattr(Measured, "ask", note)
    bench.bench(BenchSettings("random:tiny", "torch", "cpu", repeat=11, baseline=True,
                              roofline=False, picture=(90, 160)))  # fmt: skip
    warm = ["torch"] * 3 + ["baseline"]
    turns = ["torch"] * 3 + ["baseline"] + (["torch"] * 2 + ["baseline"]) * 4
    assert asked == [*warm, *turns, "end", "end"]


def test_a_fresh_cache_shows_what_compiling_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves the player's own cache alone."""
    pytest.importorskip("openvino", reason="openvino is an extra")
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    report = bench.bench(
        BenchSettings("random:tiny", "openvino", "cpu", repeat=2, roofline=False,
                      fresh_cache=True, picture=(90, 160))
    )  # fmt: skip
    assert report["compile_s"] > 0
    assert report["first_load_s"] > report["load_s"]
    assert not list(tmp_path.rglob("*.blob"))


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [({"engine": "caffe"}, EngineUnavailable, "no engine 'caffe'"),
     ({"engine": "remote"}, EngineUnavailable, "no engine 'remote'"),
     ({"device": "vulkan"}, EngineUnavailable, "no device 'vulkan'"),
     ({"precision": "int4"}, EngineUnavailable, "no precision 'int4'"),
     ({"repeat": 0}, EngineError, "repeat is 0"),
     ({"repeat": -3}, EngineError, "repeat is -3"),
     ({"policy": "random:huge"}, PolicyError, "'huge'"),
     ({"policy": "no-such-file.pt"}, CheckpointError, "no file")],
)  # fmt: skip
def test_what_cannot_be_measured(
    changes: dict[str, Any], error: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must be said before minutes are spent."""
    monkeypatch.setattr(bench, "Measured", lambda *_: pytest.fail("started a process"))
    with pytest.raises(error, match=says):
        bench.bench(BenchSettings(**{**QUICK.__dict__, **changes}))


def test_an_engine_that_is_not_here() -> None:
    """The process's own error arrives, with its hint."""
    with pytest.raises(EngineError, match="does not compute in int8") as failure:
        Measured(job(precision="int8"))
    assert "float32" in failure.value.hint


def test_a_measured_process_that_dies() -> None:
    """Killed for want of memory, as a rule: not a hang, and not a traceback."""
    with Measured(job()) as process:
        process.ask("chunk")
        os.kill(process._process.pid, signal.SIGKILL)
        with pytest.raises(OutOfMemory, match="was killed"):
            process.ask("chunk")
    assert process._process.poll() is not None


def test_a_measured_process_that_cannot_start(tmp_path: Path) -> None:
    """The last words of a crash, in one line."""
    with pytest.raises(EngineError, match="No module named 'no_such_module'") as failure:
        Measured(job(preload=["no_such_module"]))
    assert "\n" not in failure.value.line()


def test_leaving_ends_the_process() -> None:
    """An interrupted bench must not leave a process with two gigabytes behind."""
    with pytest.raises(KeyboardInterrupt), Measured(job()) as process:
        raise KeyboardInterrupt
    assert process._process.poll() is not None


def test_a_parent_that_is_killed() -> None:
    """Its processes notice that nobody asks any more."""
    script = (
        "import os, signal\nfrom nitropilot.engines.measure.bench_process import Measured\n"
        f"process = Measured({job()!r})\nprint(process._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(done.stdout)
    import psutil

    try:
        psutil.Process(child).wait(60)
    except psutil.NoSuchProcess:
        return


def test_an_engine_that_changes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the figures of one engine and half of another are no figures."""
    ask = Measured.ask

    def change(self: Measured, word: str) -> dict[str, Any]:
        answer = ask(self, word)
        if word == "end":
            answer["info"] = {**answer["info"], "reason": "not torch on cuda: out of memory"}
        return answer

    monkeypatch.setattr(Measured, "ask", change)
    with pytest.raises(EngineError, match="changed while it was measured: not torch on cuda"):
        bench.bench(QUICK)


@pytest.mark.parametrize(
    ("repeat", "groups", "turns"),
    [(1, 5, [1]), (5, 5, [1] * 5), (7, 5, [2, 2, 1, 1, 1]), (20, 5, [4] * 5), (6, 1, [6])],
)
def test_turns(repeat: int, groups: int, turns: list[int]) -> None:
    """Every chunk has its turn, once."""
    assert turns_of(repeat, groups) == turns


def test_comparing() -> None:
    """Of the medians; and a turn's baseline is held against that turn's chunks."""
    engine = [{"total": value} for value in (1.0, 1.0, 2.0, 2.0)]
    baseline = [{"total": 10.0}, {"total": 12.0}]
    assert compare(engine, baseline) == {"ratio": 7.33, "ratio_low": 6.0, "ratio_high": 10.0}


def test_percentiles_of_parts_that_are_not_always_there() -> None:
    """A part that one chunk did not have is no part of all."""
    answers = [
        {"total": 0.01, "seconds": {"vision": 0.004, "capture": 1.0}},
        {"total": 0.03, "seconds": {"vision": 0.008}},
    ]
    found = percentiles(answers)
    assert found["total"]["p50"] == 20.0
    assert set(found) == {"total", "vision"}


@pytest.mark.parametrize("name", ["single_frame", "sinusoidal_padded", "two_frames_game"])
def test_work_is_counted_as_it_is_done(name: str) -> None:
    """Every product once a call: compared with a real run that writes down its calls."""
    policy = fixture_policy(name)
    counted = count_work(shapes_only(str(fixture_path(name))))
    frames, sampler = FramePart(policy), SamplerPart(policy)
    read: dict[str, int] = {"vision": 0, "sampler": 0}
    operations: dict[str, int] = {"vision": 0, "sampler": 0}
    for part, module in (("vision", frames), ("sampler", sampler)):
        for layer in module.modules():
            if isinstance(layer, Dense):
                layer.register_forward_hook(_noting(part, read, operations))
    spec = policy.config.tokenizer_cfg
    images, noise = (torch.from_numpy(array) for array in example(policy))
    order = torch.zeros(1, spec.max_sequence_length, dtype=torch.int32)
    rest = (torch.zeros(1, policy.horizon, policy.action_dim), torch.zeros(1, policy.horizon, 1))
    kvs = frames(images, order)
    sampler(noise[None], kvs, *rest, torch.eye(1))
    for part, work in counted.items():
        assert work.weights == read[part], part
        assert operations[part] < work.operations < 2 * operations[part], "attention comes on top"


def _noting(part: str, read: dict[str, int], operations: dict[str, int]) -> Any:
    def hook(layer: Dense, inputs: tuple[torch.Tensor], _: object) -> None:
        rows = inputs[0].numel() // inputs[0].shape[-1]
        read[part] += layer.weight.numel()
        operations[part] += 2 * rows * layer.weight.numel()

    return hook


def test_the_weights_of_the_published_architecture() -> None:
    """About 3.8 GB a chunk in bfloat16: what every engine's limit is computed from."""
    work = count_work(shapes_only("random:full"))
    read = {part: one.bytes("bfloat16") / 1e9 for part, one in work.items()}
    assert read["vision"] == pytest.approx(0.72, abs=0.02)
    assert read["sampler"] == pytest.approx(16 * 0.19, abs=0.1)
    assert work["sampler"].bytes("int8") < 0.6 * work["sampler"].bytes("bfloat16")


def test_bounds() -> None:
    """The longer of moving and computing, in the units that they are measured in."""
    ceilings = Ceilings("cpu", 2, 10e9, {"float32": 100e9, "bfloat16": 1000e9})
    heavy, wide = Work(1000, 0, 10**9), Work(10**9, 0, 1000)
    assert bound_seconds(heavy, "float32", ceilings) == (pytest.approx(0.01), "operations")
    assert bound_seconds(heavy, "int8", ceilings) == (pytest.approx(0.001), "operations")
    assert bound_seconds(wide, "bfloat16", ceilings) == (pytest.approx(0.2), "bytes")
    assert bound_seconds(wide, "int8", ceilings) == (pytest.approx(0.1), "bytes")


def test_the_best_of_several_tries_counts() -> None:
    """A ceiling that was measured while others worked would let an engine seem above it."""
    tries = [
        {"device": "cpu", "threads": 2, "bytes_per_s": 5e9, "operations_per_s": {"float32": 9e9}},
        {"device": "cpu", "threads": 2, "bytes_per_s": 7e9, "operations_per_s": {"float32": 4e9}},
    ]
    assert best_of(tries) == Ceilings("cpu", 2, 7e9, {"float32": 9e9})
    report = {"engine": {"precision": "float32"}, "ms": {"total": {"p50": 2000.0}}}
    work = {"vision": {"weights": 10**9, "others": 0, "operations": 1}}
    held = held_against(report, work, tries)
    assert held["least_ms"] == pytest.approx(4e3 / 7, rel=1e-3)
    assert held["times_least"] == 3.5


@pytest.mark.parametrize(
    ("said", "meant"),
    [("bfloat16", "bfloat16"), ("bfloat16 (error 1.9e-03)", "bfloat16"),
     ("int8, bfloat16 inside (error 1.0e-03)", "int8"), ("float32 (error 1e-7)", "float32")],
)  # fmt: skip
def test_the_precision_of_what_an_engine_says(said: str, meant: str) -> None:
    """Engines add what else is worth knowing."""
    assert weights_in(said) == meant


def test_ceilings_are_measured() -> None:
    """Positive, and of this machine: two threads are not many times one."""
    ceilings = measure_ceilings("cpu", 1)
    assert ceilings.threads == 1
    assert ceilings.bytes_per_s > 1e8
    assert ceilings.operations_per_s["float32"] > 1e8
    assert np.isfinite(list(ceilings.operations_per_s.values())).all()
