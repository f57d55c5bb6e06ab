"""Which precision is faster on this processor: measured, for no flag of a processor tells.

A Xeon with bfloat16 instructions and without AMX takes 1.6 to 2.5 s for a chunk that takes 1.1 s
in float32; an EPYC with the same flag is 1.6 times faster in bfloat16.  So a few layers of the
real sizes are run in both precisions, taking turns, and what a chunk of the full policy would take
is reckoned from that (the counts of operations are those of ``engines.measure.roofline``).

This is done once for each processor, OpenVINO and number of threads, in a process of its own
(``python -m nitropilot.engines.openvino.speed DEVICE``, a JSON answer on stdout); the figures are
kept beside the compiled policies.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import psutil

from nitropilot.children import module_command, module_environment
from nitropilot.engines.cache import cache_folder, key_of
from nitropilot.engines.errors import EngineError
from nitropilot.engines.openvino.settings import HINTS, compile_settings

if TYPE_CHECKING:
    import openvino as ov

log = logging.getLogger("nitropilot.engines")

WIDTH, HIDDEN, BLOCKS = 1024, 4096, 4
"""Sizes of the layers.  Four blocks with weights of their own are more than a cache holds."""
OPERATIONS = {256: 193e9, 18: 49e9}
"""Of a chunk of the full policy, by the rows of its products: vision encoder, and sampler."""
ROUNDS = 5
BETTER = 1.1
"""So many times faster bfloat16 must be to be worth its rounding."""
FLOAT32_BYTES = 3.5e9
"""What the full policy takes in float32, while it is loaded."""
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Speeds:
    """Milliseconds that a chunk of the full policy would take.

    Attributes:
        float32, bfloat16: In that precision.
    """

    float32: float
    bfloat16: float

    @property
    def faster(self) -> str:
        """The precision to compute in."""
        enough = psutil.virtual_memory().available >= FLOAT32_BYTES
        return "float32" if self.bfloat16 * BETTER > self.float32 and enough else "bfloat16"

    def __str__(self) -> str:
        """Both, the faster one first, without its name."""
        first, second = ("float32", "bfloat16")
        if self.faster == "bfloat16":
            first, second = second, first
        took, other = getattr(self, first), getattr(self, second)
        return f"a chunk of the full policy takes about {took:.0f} ms, in {second} {other:.0f}"


@cache
def speeds_of(device: str, name: str, version: str) -> Speeds | None:
    """What was measured here, now or before; None when it cannot be measured.

    Args:
        device: OpenVINO's name of it.
        name: The processor's.
        version: OpenVINO's.
    """
    facts = {"device": [device, name], "openvino": version, "threads": os.cpu_count()}
    path = cache_folder("engines", "openvino") / f"speeds-{key_of(facts)}.json"
    with suppress(OSError, ValueError, TypeError):
        return Speeds(**json.loads(path.read_text("utf-8")))
    try:
        found = _measure_apart(device)
    except (EngineError, OSError, subprocess.TimeoutExpired, ValueError, TypeError) as error:
        log.warning("the speed of openvino on %s could not be measured: %s", device, error)
        return None
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with suppress(OSError):  # it is measured again then
        beside.write_text(json.dumps(asdict(found)), "utf-8")
        beside.replace(path)
    return found


def _measure_apart(device: str) -> Speeds:
    done = subprocess.run(
        module_command("nitropilot.engines.openvino.speed", device),
        capture_output=True, text=True, env=module_environment(), timeout=TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise EngineError(said[0])
    return Speeds(**json.loads(done.stdout))


def measure(device: str) -> Speeds:
    """Measure both precisions, the best of a few rounds in which they take turns."""
    import openvino as ov

    core = ov.Core()
    models = {
        (rows, precision): _compile(core, device, rows, precision)
        for rows in OPERATIONS
        for precision in ("float32", "bfloat16")
    }
    best = dict.fromkeys(models, float("inf"))
    for number in range(ROUNDS + 1):
        for which, (request, operations) in models.items():
            began = time.perf_counter()
            request.infer()
            took = (time.perf_counter() - began) / operations
            if number:  # the first one of all still prepares itself
                best[which] = min(best[which], took)
    total = {
        precision: sum(count * best[rows, precision] for rows, count in OPERATIONS.items()) * 1e3
        for precision in ("float32", "bfloat16")
    }
    return Speeds(**{name: round(value, 1) for name, value in total.items()})


def _compile(
    core: ov.Core, device: str, rows: int, precision: str
) -> tuple[ov.InferRequest, float]:
    """Layers for so many rows, ready to run, and how many operations they are."""
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    rng = np.random.default_rng(0)
    given: Any = ops.parameter([rows, WIDTH], ov.Type.f32)
    value = given
    for _ in range(BLOCKS):
        wide = rng.standard_normal((WIDTH, HIDDEN), np.float32) / 32
        back = rng.standard_normal((HIDDEN, WIDTH), np.float32) / 64
        inner = ops.gelu(ops.matmul(value, wide, False, False), "erf")
        value = ops.matmul(inner, back, False, False)
    model = ov.Model([value], [given])
    settings = compile_settings(precision, sys.maxsize)
    assert settings["INFERENCE_PRECISION_HINT"] == HINTS[precision]
    request = core.compile_model(model, device, settings).create_infer_request()
    request.set_input_tensor(ov.Tensor(rng.standard_normal((rows, WIDTH), np.float32)))
    return request, BLOCKS * 4.0 * rows * WIDTH * HIDDEN


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1]))))
