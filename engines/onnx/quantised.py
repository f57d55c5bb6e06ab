"""Matrix products with 8-bit weights, as QuantizeLinear and DequantizeLinear say them.

A chunk of one player is limited by how fast weights can be read, so that weights of half
the size are what counts.  Only products with large weights are quantised; the attention,
the norms and the first and last layer of the actions are not.

- ``int8``: weights in 8 bits with one scale for each output (symmetric, so that it needs
  no zero point); computed in bfloat16 after scaling.
- ``fp8``: weights and inputs in E4M3, so that the card's 8-bit units compute.  Inputs have
  one scale, from the largest value seen while the policy ran on example frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import torch
from torch import Tensor, nn

from nitropilot.engines.base import Request
from nitropilot.engines.batch import make_batch
from nitropilot.engines.calibration.pictures import pictures_to_measure
from nitropilot.engines.onnx.converter import Converter, Products
from nitropilot.engines.onnx.writer import array_of
from nitropilot.policy.network.graph_layers import Dense

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch.fx import Node

    from nitropilot.engines.base import Array, PolicySpec
    from nitropilot.engines.onnx.export import ChunkGraph

LARGE = 64
"""Weights with fewer inputs or outputs stay as they are."""
INT8_MAX = 127.0
FP8_MAX = 448.0
"""Largest E4M3 number."""
MARGIN = 2.0
"""Room above the largest input seen; E4M3 is a floating type, so that this costs precision
only at its very small end."""


class Int8Products(Products):
    """Weights in 8-bit integers."""

    def operands(self, to: Converter, x: Node, weight: Node) -> tuple[str, str]:
        """See ``Products.operands``."""
        if min(to.known(weight).shape) < LARGE:
            return super().operands(to, x, weight)
        return to.name(x), _dequantised(to, weight, "int8")


class Fp8Products(Products):
    """Weights and inputs in E4M3.

    Args:
        largest: The largest absolute input of each linear layer, by its name.
    """

    def __init__(self, largest: Mapping[str, float]) -> None:
        self._largest = largest

    def operands(self, to: Converter, x: Node, weight: Node) -> tuple[str, str]:
        """See ``Products.operands``."""
        if min(to.known(weight).shape) < LARGE:
            return super().operands(to, x, weight)
        layer = to.label(weight).removesuffix(".weight")
        return self._input(to, x, layer), _dequantised(to, weight, "fp8")

    def _input(self, to: Converter, x: Node, layer: str) -> str:
        most = max(self._largest[layer], 1e-6)
        scale = torch.tensor(most * MARGIN / FP8_MAX, dtype=x.meta["val"].dtype)
        known = [
            to.writer.tensor(f"{layer}.input_scale", array_of(scale)),
            to.writer.tensor("fp8 zero", np.zeros((), ml_dtypes.float8_e4m3fn)),
        ]
        name = f"{x.name}.{layer}"
        small = to.put("QuantizeLinear", [to.name(x), *known], f"{name}.fp8")
        return to.put("DequantizeLinear", [small, *known], f"{name}.input")


def rounded(matrix: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """A weight (``out x in``) in 8 bits and its scale for each output, in the weight's type."""
    limit = INT8_MAX if kind == "int8" else FP8_MAX
    wide = matrix.float()
    most = wide.abs().amax(dim=1)
    scale = torch.where(most > 0, most / limit, 1.0).to(matrix.dtype)
    scaled = (wide / scale.float().unsqueeze(1)).clamp(-limit, limit)
    if kind == "int8":
        return scaled.round().to(torch.int8), scale
    return scaled.to(torch.float8_e4m3fn), scale


def _dequantised(to: Converter, weight: Node, kind: str) -> str:
    label = to.label(weight)
    if to.writer.has(f"{label}.T"):
        return f"{label}.T"
    small, scale = rounded(to.known(weight), kind)
    known = [
        to.writer.tensor(f"{label}.T.{kind}", array_of(small.T)),
        to.writer.tensor(f"{label}.scale", array_of(scale)),
    ]
    return to.put("DequantizeLinear", known, f"{label}.T", axis=1)


def products_for(precision: str, graph: ChunkGraph, frames: Array | None) -> Products:
    """How a graph's products are written in a precision.

    Args:
        precision: ``int8`` and ``fp8`` quantise.
        graph: Run on ``frames`` where activations have to be known.
        frames: ``n x 3 x S x S`` in [-1, 1]; None for those of ``engines.calibration``.
    """
    if precision == "int8":
        return Int8Products()
    if precision == "fp8":
        if frames is None:
            frames = pictures_to_measure(graph.spec.image_size)
        return Fp8Products(largest_inputs(graph, frames))
    return Products()


@torch.no_grad()
def largest_inputs(graph: ChunkGraph, frames: Array) -> dict[str, float]:
    """The largest absolute input of each linear layer, by its name."""
    largest: dict[str, float] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def note(_: nn.Module, inputs: tuple[Tensor]) -> None:
            largest[name] = max(largest.get(name, 0.0), float(inputs[0].abs().max()))

        return note

    hooks = [
        module.register_forward_pre_hook(watch(name))
        for name, module in graph.named_modules()
        if isinstance(module, Dense)
    ]
    rng = np.random.default_rng(0)
    try:
        for frame in frames:
            graph(*(torch.from_numpy(array) for array in _example(graph.spec, frame, rng)))
    finally:
        for hook in hooks:
            hook.remove()
    return largest


def _example(spec: PolicySpec, frame: Array, rng: np.random.Generator) -> tuple[Any, ...]:
    """Inputs of the graph for one frame, which also stands for those before it."""
    images = np.ascontiguousarray(np.broadcast_to(frame, (spec.frames, *frame.shape)))
    noise = rng.standard_normal((spec.horizon, spec.action_dim), np.float32)
    batch = make_batch(spec, [Request(images, noise)], 1)
    return batch.images, batch.order, batch.noise, batch.prefix, batch.weights, batch.mix
