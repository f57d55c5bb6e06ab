"""``graph_version``: changes with the code that turns a policy into an ONNX model or a plan.

What was compiled before such a change computes something else, or is laid out in another
way, so it must not be found again.
"""

from __future__ import annotations

import functools

from nitropilot.engines.fingerprint import code_version

SHAPING = (
    "nitropilot.policy",
    "nitropilot.engines.base",
    "nitropilot.engines.batch",
    "nitropilot.engines.calibration",
    "nitropilot.engines.onnx.export",
    "nitropilot.engines.onnx.converter",
    "nitropilot.engines.onnx.operators",
    "nitropilot.engines.onnx.quantised",
    "nitropilot.engines.onnx.writer",
    "nitropilot.engines.tensorrt.plan_probe",
    "nitropilot.engines.tensorrt.build",
    "nitropilot.engines.spec",
)
"""What the numbers, the inputs and the options of a compiled graph depend on."""


@functools.cache
def graph_version() -> str:
    """16 hex digits; imports none of that code."""
    return code_version(*SHAPING)[:16]
