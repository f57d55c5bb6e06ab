"""Layers of the full policy's sizes in each engine and precision of this processor, in turns.

``python -m nitropilot.engines.measure.layers`` prints, as JSON, how many milliseconds a chunk of
the full policy would take, by engine and precision, and whether the machine was quiet;
``engines.speeds`` asks for it.  The counts of operations are those of ``engines.measure.roofline``.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.engines.openvino.settings import HINTS, compile_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

WIDTH, HIDDEN, BLOCKS = 1024, 4096, 4
"""Sizes of the layers.  Four blocks with weights of their own are more than a cache holds."""
OPERATIONS = {256: 193e9, 18: 49e9}
"""Of a chunk of the full policy, by the rows of its products: vision encoder, and sampler."""
ROUNDS = 5
"""At least; it goes on until every one has had two quiet rounds."""
MOST_S = 15.0
"""On a machine that is never quiet, it ends after this."""
ALIKE = 1.05
"""Two rounds are quiet when the quickest are that close: load only ever makes one slower."""

Model = tuple[str, str, int]
"""Engine, precision, and rows."""


def operations(rows: int) -> float:
    """Of one run of the layers."""
    return BLOCKS * 4.0 * rows * WIDTH * HIDDEN


def measure() -> dict[str, Any]:
    """``chunk_ms``, milliseconds by engine and precision: the best of rounds that take turns; and
    ``settled``, whether each had quiet ones."""
    models = dict(_models())
    took: dict[Model, list[float]] = {which: [] for which in models}
    for run in models.values():  # the first run still prepares itself
        run()
    end = time.perf_counter() + MOST_S
    while not settled(took.values()) and time.perf_counter() < end:
        for which, run in models.items():
            began = time.perf_counter()
            run()
            took[which].append(time.perf_counter() - began)
    found: dict[str, dict[str, float]] = {}
    for (engine, precision, rows), rounds in took.items():
        figures = found.setdefault(engine, {})
        whole = 1e3 * min(rounds) * OPERATIONS[rows] / operations(rows)
        figures[precision] = round(figures.get(precision, 0.0) + whole, 1)
    return {"chunk_ms": found, "settled": settled(took.values())}


def settled(took: Iterable[Sequence[float]]) -> bool:
    """Whether there were enough rounds, and two quiet ones of each."""
    return all(
        len(rounds) >= ROUNDS and sorted(rounds)[1] <= ALIKE * min(rounds) for rounds in took
    )


def _models() -> Iterator[tuple[Model, Callable[[], object]]]:
    for rows in OPERATIONS:
        if find_spec("openvino") is not None:
            for precision in _openvino_precisions():
                yield ("openvino", precision, rows), _openvino(rows, precision)
        if find_spec("torch") is not None:
            yield ("torch", "float32", rows), _torch(rows)


def _openvino_precisions() -> list[str]:
    import openvino as ov

    known = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ["float32", "bfloat16"] if "BF16" in known else ["float32"]


def _weights() -> Iterator[tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    for _ in range(BLOCKS):
        yield (
            rng.standard_normal((WIDTH, HIDDEN), np.float32) / 32,
            rng.standard_normal((HIDDEN, WIDTH), np.float32) / 64,
        )


def _given(rows: int) -> Any:
    return np.random.default_rng(1).standard_normal((rows, WIDTH), np.float32)


def _openvino(rows: int, precision: str) -> Callable[[], object]:
    import openvino as ov
    from openvino import opset13 as ops

    given: Any = ops.parameter([rows, WIDTH], ov.Type.f32)
    value = given
    for wide, back in _weights():
        inner = ops.gelu(ops.matmul(value, wide, False, False), "erf")
        value = ops.matmul(inner, back, False, False)
    settings = compile_settings(precision, sys.maxsize)
    assert settings["INFERENCE_PRECISION_HINT"] == HINTS[precision]
    compiled = ov.Core().compile_model(ov.Model([value], [given]), "CPU", settings)
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(_given(rows)))

    def run() -> object:
        return request.infer()

    return run


def _torch(rows: int) -> Callable[[], object]:
    import torch
    from torch.nn import functional

    value = torch.from_numpy(_given(rows))
    # As torch has a linear layer's weight: out x in.
    layers = [[torch.from_numpy(one.T.copy()) for one in pair] for pair in _weights()]

    @torch.inference_mode()
    def run() -> object:
        after = value
        for wide, back in layers:
            inner = functional.gelu(functional.linear(after, wide))
            after = functional.linear(inner, back)
        return after

    return run


if __name__ == "__main__":
    print(json.dumps(measure()))
