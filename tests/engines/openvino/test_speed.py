"""The precision is one that was measured to be faster, whatever a processor says of itself."""

from __future__ import annotations

import json
import logging
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("openvino")

from nitropilot.engines.errors import EngineError
from nitropilot.engines.openvino import engine, speed
from nitropilot.engines.openvino.speed import Speeds, measure, speeds_of
from nitropilot.engines.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Iterator

XEON, EPYC = Speeds(1080.0, 2000.0), Speeds(744.0, 463.0)
"""Two processors with the same flag."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test finds what another one measured, in the process or on disk."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    speeds_of.cache_clear()
    yield
    speeds_of.cache_clear()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """How much is free."""
    free = SimpleNamespace(available=16e9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    return free


@pytest.mark.parametrize(
    ("speeds", "faster"), [(XEON, "float32"), (EPYC, "bfloat16"), (Speeds(100.0, 95.0), "float32")]
)
def test_the_faster_one_is_taken(memory: SimpleNamespace, speeds: Speeds, faster: str) -> None:
    """And the more exact one where there is little between them."""
    assert memory.available > 0
    assert speeds.faster == faster


def test_what_does_not_fit_is_not_faster(memory: SimpleNamespace) -> None:
    """A policy that is swapped out takes minutes."""
    memory.available = 2e9
    assert XEON.faster == "bfloat16"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    ("speeds", "said"),
    [
        (XEON, "float32 (a chunk of the full policy takes about 1080 ms, in bfloat16 2000)"),
        (EPYC, "bfloat16 (a chunk of the full policy takes about 463 ms, in float32 744)"),
        (None, "float32 (bfloat16 could not be measured)"),
    ],
)
def test_no_flag_decides(monkeypatch: pytest.MonkeyPatch, speeds: Speeds | None, said: str) -> None:
    """The figures are what decides and what is told, and another choice is another policy."""
    monkeypatch.setattr(engine, "_has_bfloat16", lambda _device: True)
    monkeypatch.setattr(engine, "speeds_of", lambda *_: speeds)
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


def test_a_processor_without_bfloat16_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to choose from."""
    monkeypatch.setattr(engine, "_has_bfloat16", lambda _device: False)
    monkeypatch.setattr(engine, "speeds_of", pytest.fail)
    assert engine.available("cpu").endswith(", float32")


def test_it_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each processor and OpenVINO, whichever process asks; what is damaged counts for
    nothing."""
    measured: list[str] = []

    def measure_apart(device: str) -> Speeds:
        measured.append(device)
        return EPYC

    monkeypatch.setattr(speed, "_measure_apart", measure_apart)

    def ask(version: str = "1") -> None:
        speeds_of.cache_clear()  # another process
        assert speeds_of("CPU", "EPYC", version) == EPYC

    ask()
    ask()
    assert len(measured) == 1
    ask("2")
    assert len(measured) == 2
    for spoilt in ("", "[]", "{}", json.dumps({"float32": 1.0, "float8": 2.0})):
        for path in tmp_path.rglob("speeds-*.json"):
            path.write_text(spoilt)
        ask()
    assert len(measured) == 6


@pytest.mark.parametrize(
    "failure",
    [EngineError("it crashed"), OSError("no such program"), subprocess.TimeoutExpired("x", 1.0)],
)
def test_a_measurement_that_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    """Costs speed and not the play, and is said."""

    def fail(_device: str) -> Speeds:
        raise failure

    monkeypatch.setattr(speed, "_measure_apart", fail)
    with caplog.at_level(logging.WARNING):
        assert speeds_of("CPU", "EPYC", "1") is None
    assert "the speed of openvino on CPU could not be measured" in caplog.text


def test_a_process_that_crashes_is_a_measurement_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its last words are the reason."""

    def crash(*_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(returncode=-11, stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", crash)
    assert speeds_of("CPU", "EPYC", "1") is None


def test_a_real_measurement() -> None:
    """In the process that is really started for it, with the layers' real sizes."""
    found = speeds_of("CPU", "this one", "of today")
    assert found is not None
    assert 0 < found.float32 < 1e6 and 0 < found.bfloat16 < 1e6
    print(found)


def test_the_rounds_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy for a while must not make one of the two the slower one."""
    monkeypatch.setattr(speed, "ROUNDS", 3)
    order: list[tuple[int, str]] = []

    def compile_it(_core: object, _device: str, rows: int, precision: str) -> tuple[Any, float]:
        return SimpleNamespace(infer=lambda: order.append((rows, precision))), 1e9

    monkeypatch.setattr(speed, "_compile", compile_it)
    measure("CPU")
    assert len(order) == 4 * 4
    assert order == order[:4] * 4
    assert len(set(order)) == 4
