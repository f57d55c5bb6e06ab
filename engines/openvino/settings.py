"""What the OpenVINO engine and its builder agree on; imports neither OpenVINO nor torch."""

from __future__ import annotations

from nitropilot.engines.base import SMALL

DEVICES = {"cpu": "CPU", "gpu": "GPU", "npu": "NPU"}
HINTS = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
ALLOWED_ERROR = {"float32": 1e-5, "float16": 2e-2, "bfloat16": 2e-2, "int8": 5e-2}
"""Relative L2 error of the actions against torch in float32, by the weights' precision."""
GROUP = 64
"""Activations that share a scale where 8-bit weights meet them; a no-op for other weights."""


def compile_settings(compute: str, parameters: int) -> dict[str, str]:
    """OpenVINO's settings for one chunk at a time, as soon as possible.

    Threads are not pinned to cores: beside them runs a game that the system should be free
    to place.
    """
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_PRECISION_HINT": HINTS[compute],
        "ENABLE_CPU_PINNING": "NO",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(GROUP),
    }
    if parameters < SMALL:
        settings["INFERENCE_NUM_THREADS"] = "1"
    return settings
