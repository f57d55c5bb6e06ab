"""Engine and precision are those measured to be faster, whatever a processor says of itself."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("openvino")

from nitropilot.engines import chooser, load_engine, speeds
from nitropilot.engines.chooser import backends, engine_reports
from nitropilot.engines.errors import EngineError
from nitropilot.engines.measure import layers
from nitropilot.engines.openvino import engine
from nitropilot.engines.speeds import Speeds, speeds_here
from nitropilot.engines.wish import Wish
from nitropilot.policy.naming import POCKET

if TYPE_CHECKING:
    from collections.abc import Iterator


def figures(float32: float, bfloat16: float | None = None, torch: float = 9999.0) -> Speeds:
    """As of some processor."""
    took = {"float32": float32} | ({} if bfloat16 is None else {"bfloat16": bfloat16})
    return Speeds({"openvino": took, "torch": {"float32": torch}})


XEON, EPYC, OLD = figures(1080.0, 2000.0), figures(744.0, 463.0), figures(744.0)
"""Two processors with the same flag, and one without."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test finds what another one measured, in the process or on disk."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    speeds.forget()
    yield
    speeds.forget()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """How much is free."""
    free = SimpleNamespace(available=16e9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    return free


def measured(monkeypatch: pytest.MonkeyPatch, found: Speeds) -> list[Speeds]:
    """Whenever something is measured, this is found; what was, in order."""
    done: list[Speeds] = []

    def measure_apart() -> str:
        done.append(found)
        return json.dumps(asdict(found))

    monkeypatch.setattr(speeds, "_measure_apart", measure_apart)
    return done


@pytest.mark.parametrize(
    ("found", "faster"),
    [
        (XEON, "float32"),
        (EPYC, "bfloat16"),
        (OLD, "float32"),
        (figures(100.0, 98.0), "float32"),
        (figures(100.0, 96.0), "bfloat16"),
    ],
)
def test_the_faster_precision_is_taken(found: Speeds, faster: str) -> None:
    """And the more exact one where there is less between them than the 3 % that may be lost."""
    assert found.precision("openvino") == faster


def test_what_does_not_fit_is_not_faster(memory: SimpleNamespace, tmp_path: Path) -> None:
    """A policy that is swapped out takes minutes; a small one, which fits, is not made slower by
    what the full one would need, nor is another engine taken for it."""
    found = figures(1080.0, 2000.0, torch=1200.0)
    memory.available = 2e9
    assert [speeds.has_room(one) for one in ("random:full", "random:tiny", POCKET)] == [
        False, True, True,
    ]  # fmt: skip
    sparse = tmp_path / "ng.pt"
    with sparse.open("wb") as file:
        file.truncate(1_000_000_000)  # 500 million numbers of two bytes
    assert not speeds.has_room(str(sparse))
    assert found.precision("openvino", room=False) == "bfloat16"
    assert found.best("openvino", room=False) == 2000.0 < found.best("torch", room=False)
    assert found.precision("openvino") == "float32"
    assert found.best("openvino") < found.best("torch")


def test_the_policys_own_size_says_what_fits(
    memory: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same free memory, and two policies."""
    memory.available = 2e9
    monkeypatch.setattr(engine, "_has_bfloat16", lambda _device: True)
    monkeypatch.setattr(engine, "speeds_here", lambda **_: XEON)
    computes = [
        engine.plan(Wish(one, device="cpu"))[1]["compute"] for one in ("random:full", POCKET)
    ]
    assert computes == ["bfloat16", "float32"]


def test_what_does_not_fit_is_said(
    memory: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reason that names the faster precision, beside another one that computes, tells nobody
    that memory is short; and an engine that does not fit is not one that would take so long."""
    memory.available = 2e9
    monkeypatch.setattr(engine, "_has_bfloat16", lambda _device: True)
    monkeypatch.setattr(engine, "speeds_here", lambda **_: XEON)
    monkeypatch.setattr(chooser, "_speeds", lambda **_: XEON)
    # This processor may have no bfloat16, and a full policy would take minutes to compile.
    monkeypatch.setattr(engine, "find", lambda *_: SimpleNamespace())
    monkeypatch.setattr(engine, "_spec", lambda *_: SimpleNamespace(is_random=False))
    monkeypatch.setattr(engine, "OpenVinoEngine", lambda *made: SimpleNamespace(reason=made[3]))
    openvino, torch = (
        next(b for b in chooser.BACKENDS if (b.engine, b.device) == (name, "cpu"))
        for name in ("openvino", "torch")
    )

    def said(policy: str, precision: str = "auto") -> tuple[Any, list[str]]:
        wish = Wish(policy, engine="openvino", device="cpu", precision=precision)
        opened: Any = engine.open_engine(wish, "asked for")
        return opened.reason, chooser._slower(openvino, [torch], policy)

    short = "asked for; it computes in bfloat16, as float32 does not fit the free memory"
    other = "torch on cpu computes in float32, which does not fit the free memory"
    assert said("random:full") == (short, [other])
    assert said("random:full", "int8") == (short, [other])
    assert said("random:full", "bfloat16") == ("asked for", [other])
    assert said(POCKET)[0] == "asked for"
    assert said(POCKET)[1][0] == "torch on cpu would take about 9999 ms for the full policy"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    ("found", "said"),
    [
        (XEON, "float32 (a chunk of the full policy takes about 1080 ms, in bfloat16 2000)"),
        (EPYC, "bfloat16 (a chunk of the full policy takes about 463 ms, in float32 744)"),
        (None, "float32 (bfloat16 could not be measured)"),
        (Speeds({"torch": {"float32": 1.0}}), "float32 (bfloat16 could not be measured)"),
    ],
)
def test_no_flag_decides(monkeypatch: pytest.MonkeyPatch, found: Speeds | None, said: str) -> None:
    """The figures are what decides and what is told, and another choice is another policy."""
    monkeypatch.setattr(engine, "_has_bfloat16", lambda _device: True)
    monkeypatch.setattr(engine, "speeds_here", lambda **_: found)
    assert engine.available("cpu").endswith(said)
    key, job = engine.plan(Wish("random:tiny", device="cpu"))
    assert job["compute"] == said.split()[0]
    assert (
        engine.plan(Wish("random:tiny", device="cpu", precision="int8"))[1]["compute"]
        == (job["compute"])
    )
    other = {"float32": "bfloat16", "bfloat16": "float32"}[job["compute"]]
    there = engine.plan(Wish("random:tiny", device="cpu", precision=other))
    assert there[1]["compute"] == other, "which may still be asked for"
    assert there[0] != key


def test_a_precision_without_a_choice_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that has no bfloat16; the engines are still measured against each other."""
    monkeypatch.setattr(engine, "_has_bfloat16", lambda _device: False)
    done = measured(monkeypatch, OLD)
    assert engine.available("cpu").endswith(", float32")
    assert not done
    assert speeds_here() is not None
    assert engine.available("cpu").endswith("takes about 744 ms)")


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(("torch", "first"), [(9000.0, "openvino"), (300.0, "torch")])
def test_auto_takes_the_engine_that_is_faster(
    monkeypatch: pytest.MonkeyPatch, torch: float, first: str
) -> None:
    """Whichever it is here; it says so with figures, and the table shows the same order."""
    done = measured(monkeypatch, figures(744.0, torch=torch))
    took = {"openvino": 744.0, "torch": torch}
    last = next(name for name in took if name != first)
    loaded = load_engine("random:tiny", device="cpu")
    assert loaded.info.name == first
    assert f"takes about {took[first]:.0f} ms" in loaded.info.reason
    assert (
        f"{last} on cpu would take about {took[last]:.0f} ms for the full policy; "
        "this policy is smaller, and its own speed was not measured"
    ) in loaded.info.reason
    loaded.close()
    names = [one.label for one in backends() if one.device == "cpu"]
    assert names == [f"{first} on cpu", f"{last} on cpu"]
    assert [one.name for one in engine_reports()] == [one.label for one in backends()]
    assert [b for b in backends() if b.device != "cpu"] == [
        b for b in chooser.BACKENDS if b.device != "cpu"
    ]
    assert len(done) == 1


@pytest.mark.parametrize("asked", [{"engine": "torch"}, {"engine": "openvino", "device": "cpu"}])
def test_what_is_asked_for_by_name_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
) -> None:
    """There is nothing to choose from, and measuring takes seconds."""
    monkeypatch.setattr(engine, "_has_bfloat16", lambda _device: False)
    done = measured(monkeypatch, OLD)
    loaded = load_engine("random:tiny", **asked)
    assert loaded.info.name == asked["engine"]
    loaded.close()
    assert not done
    assert [one.label for one in backends(measure=False)] == [b.label for b in chooser.BACKENDS]
    assert not done


def test_it_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each processor and library, whichever process asks; what is damaged counts for
    nothing."""
    done = measured(monkeypatch, EPYC)
    versions = {"openvino": "1", "torch": "1"}
    monkeypatch.setattr(speeds, "version", versions.__getitem__)

    def ask() -> None:
        speeds.forget()  # another process
        assert speeds_here() == EPYC

    ask()
    ask()
    assert len(done) == 1
    for number, library in enumerate(versions):
        versions[library] = "2"
        speeds.forget()
        assert speeds_here(measure=False) is None
        ask()
        assert len(done) == 2 + number
    monkeypatch.setattr(speeds, "_processor", lambda: "another one")
    ask()
    assert len(done) == 4
    monkeypatch.setattr(speeds, "usable_cores", lambda: 64)
    ask()
    assert len(done) == 5
    monkeypatch.setattr(speeds, "code_version", lambda *_: "another")
    ask()
    assert len(done) == 6
    unknown = json.dumps({"chunk_ms": {"openvino": {"float8": 2.0}}, "settled": True})
    for spoilt in ("", "[]", '{"openvino": 1}', unknown):
        for path in tmp_path.rglob("speeds-*.json"):
            path.write_text(spoilt)
        ask()
    assert len(done) == 10


def test_figures_of_a_busy_machine_are_not_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count for an hour, for the whole of a process, and where nobody may measure."""
    measured(monkeypatch, replace(XEON, settled=False))
    assert speeds_here() == replace(XEON, settled=False)
    done = measured(monkeypatch, EPYC)
    speeds.forget()
    assert speeds_here() == replace(XEON, settled=False)
    (path,) = tmp_path.rglob("speeds-*.json")
    os.utime(path, (0, 0))
    assert speeds_here() == replace(XEON, settled=False)
    speeds.forget()
    assert speeds_here(measure=False) == replace(XEON, settled=False)
    assert not done
    assert speeds_here() == EPYC
    assert len(done) == 1


@pytest.mark.parametrize(
    "failure",
    [EngineError("it crashed"), OSError("no such program"), subprocess.TimeoutExpired("x", 1.0)],
)
def test_a_measurement_that_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    """Costs speed and not the play, and is said, once."""

    def fail() -> str:
        raise failure

    monkeypatch.setattr(speeds, "_measure_apart", fail)
    with caplog.at_level(logging.WARNING):
        assert speeds_here() is None
        assert speeds_here() is None
    assert caplog.text.count("the speed of the engines here could not be measured") == 1


def test_a_process_that_crashes_is_a_measurement_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its last words are the reason."""

    def crash(*_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(returncode=-11, stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", crash)
    assert speeds_here() is None


def test_two_processes_do_not_measure_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that comes second waits, and takes what the first one found."""
    done = measured(monkeypatch, EPYC)
    at_it, go_on = threading.Event(), threading.Event()
    quick = speeds._measure_apart

    def slow() -> str:
        at_it.set()
        assert go_on.wait(60)
        return quick()

    monkeypatch.setattr(speeds, "_measure_apart", slow)
    with ThreadPoolExecutor() as both:
        first = both.submit(speeds_here)
        assert at_it.wait(60)
        second = both.submit(speeds_here)
        time.sleep(0.2)
        go_on.set()
        assert first.result() == second.result() == EPYC
    assert len(done) == 1


@pytest.mark.parametrize(
    ("rounds", "enough"),
    [
        ([1.0, 1.0], False),
        ([9.0, 3.0, 2.0, 4.0, 3.0, 2.5], False),
        ([9.0, 3.0, 2.0, 4.0, 3.0, 2.05], True),
    ],
)
def test_it_waits_for_quiet_rounds(rounds: list[float], enough: bool) -> None:
    """One busy moment must not choose the engine for good."""
    assert layers.settled([[1.0] * 9, rounds]) is enough


def test_a_real_measurement() -> None:
    """In the process that is really started for it, with the layers' real sizes."""
    found = speeds_here()
    assert found is not None
    assert set(found.chunk_ms) == {"openvino", "torch"}
    for took in found.chunk_ms.values():
        assert "float32" in took
        assert all(0 < one < 1e6 for one in took.values())
    print(found)


def test_the_rounds_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy for a while must not make one of them the slower one."""
    monkeypatch.setattr(layers, "ROUNDS", 3)
    monkeypatch.setattr(layers, "ALIKE", 1e9)
    monkeypatch.setattr(layers, "_openvino_precisions", lambda: ["float32", "bfloat16"])
    order: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        layers, "_openvino", lambda *which: lambda: order.append(("openvino", *which))
    )
    monkeypatch.setattr(layers, "_torch", lambda *which: lambda: order.append(("torch", *which)))
    made = layers.measure()
    found = made["chunk_ms"]
    assert made["settled"]
    assert len(order) == 6 * 4
    assert order == order[:6] * 4
    assert len(set(order)) == 6
    assert {engine: set(took) for engine, took in found.items()} == {
        "openvino": {"float32", "bfloat16"}, "torch": {"float32"}
    }  # fmt: skip
