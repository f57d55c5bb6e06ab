"""``graph_version``: changes with the code that turns a policy into an ONNX model or a plan.

What was compiled before such a change computes something else, or is laid out in another
way, so it must not be found again.
"""

from __future__ import annotations

import functools

from engines.fingerprint import code_version

SHAPING = (
    "policy.action_mlps", "policy.config", "policy.graph", "policy.graph_layers",
    "policy.network", "policy.random_weights", "policy.sizes", "policy.transformer",
    "policy.vision", "engines.base", "engines.batch", "engines.onnx_export",
    "engines.onnx_converter", "engines.onnx_operators", "engines.onnx_quantised",
    "engines.onnx_writer", "engines.plan_probe", "engines.tensorrt_build",
    "engines.spec",
)  # fmt: skip
"""What the numbers, the inputs and the options of a compiled graph depend on."""


@functools.cache
def graph_version() -> str:
    """16 hex digits; imports none of that code."""
    return code_version(*SHAPING)[:16]
