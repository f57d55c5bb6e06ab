"""8-bit numbers: of the weights alone, or of everything that is multiplied.

Weights alone are less to read: that helps the sampler, which reads all of its weights at each
step, and needs no pictures.  The vision encoder multiplies for most of a chunk's time; where
the processor has instructions for 8-bit products (VNNI, AMX) its activations are made 8-bit
numbers too.  How large they get is measured on real pictures (``engines.calibration``), by NNCF
with SmoothQuant (Xiao et al. 2023).
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openvino as ov

if TYPE_CHECKING:
    from collections.abc import Sequence

WHOLE = 16
"""Products whose sizes are no multiple of it stay as they are: 8-bit kernels are wrong or
slow there, and the sampler's first and last layers are where rounding hurts most."""
INSTRUCTIONS = ("avx512_vnni", "avx_vnni", "amx_int8")
"""What Linux calls those that multiply 8-bit numbers."""
PROCESSORS = Path("/proc/cpuinfo")


def has_products() -> bool:
    """Whether this processor multiplies 8-bit numbers faster than others."""
    if sys.platform == "linux":
        found = any(name in _flags() for name in INSTRUCTIONS)
    else:
        found = True  # as any processor of the last years that runs Windows 11 well
    return found


def _flags() -> list[str]:
    with suppress(OSError):
        return PROCESSORS.read_text("utf-8").partition("\nflags")[2].split("\n")[0].split()
    return []


def light_weights(model: ov.Model) -> ov.Model:
    """Symmetric 8-bit weights, a scale for each output channel."""
    import nncf

    mode = nncf.CompressWeightsMode.INT8_SYM
    compressed: ov.Model = nncf.compress_weights(model, mode=mode, ignored_scope=_odd_ones(model))
    return compressed


def light_products(model: ov.Model, inputs: Sequence[Sequence[Any]]) -> ov.Model:
    """Weights and activations in 8 bits.

    Args:
        model: With shapes fixed, and weights in float32.
        inputs: What it is given, for each picture to measure on.
    """
    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    quantised: ov.Model = nncf.quantize(
        model,
        nncf.Dataset([list(one) for one in inputs]),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(inputs),
        ignored_scope=_odd_ones(model),
    )
    return quantised


def _odd_ones(model: ov.Model) -> Any:
    """The products that stay as they are, as NNCF takes them; None for none."""
    import nncf

    names = [
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() == "MatMul" and _is_odd(node)
    ]
    return nncf.IgnoredScope(names=names) if names else None


def _is_odd(product: ov.Node) -> bool:
    constants = [value.get_node() for value in product.input_values()]
    return any(
        size % WHOLE
        for node in constants
        if node.get_type_name() == "Constant"
        for size in node.get_output_shape(0)
    )
