"""``export_onnx``: a policy as one ONNX model that computes a whole chunk.

The model is ``FramePart`` and ``SamplerPart`` of ``policy.network.graph`` in one: recorded by
``torch.export``, every operator written as ONNX has it, all K steps one after the other.

    images   F x 3 x S x S   frames; those that do not exist come last and are not looked at
    order    B x L           int32
    noise    B x T x A       prefix  B x T x A       weights  B x T x 1       mix  B x B
    actions  B x T x A

B is ``batch``: 1 for a policy that knows no games, otherwise 1 or 2 (with guidance).  All
but ``order`` are float32, whatever the precision:

    float32     as ``Policy.sample`` computes
    bfloat16    weights and products in bfloat16; actions stay float32 between the steps
    int8        the same with the large weights in 8 bits, one scale for each output
    fp8         large weights and what they are multiplied with in E4M3 (Micikevicius et
                al. 2022); needs a card of the Ada generation or later

What the model is made of stands in its metadata: ``nitropilot.spec`` (a ``PolicySpec`` as
JSON), ``nitropilot.precision`` and ``nitropilot.graph`` (changes with this code).
"""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.export.graph_signature import InputKind

from nitropilot.engines.errors import EngineUnavailable
from nitropilot.engines.onnx.converter import Converter
from nitropilot.engines.onnx.graph_version import graph_version
from nitropilot.engines.onnx.operators import shape_of
from nitropilot.engines.onnx.quantised import products_for
from nitropilot.engines.onnx.writer import KINDS, OnnxWriter
from nitropilot.engines.spec import policy_spec
from nitropilot.policy import open_policy
from nitropilot.policy.errors import quoted
from nitropilot.policy.network.graph import FramePart, SamplerPart

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

    from nitropilot.engines.base import Array
    from nitropilot.policy.network.policy import Policy

log = logging.getLogger("nitropilot.engines")

INPUTS = ("images", "order", "noise", "prefix", "weights", "mix")
WHAT = ("float32", "bfloat16", "int8", "fp8")
"""Precisions that there is a model in."""


class ChunkGraph(nn.Module):
    """Both parts of the sampler graph in one.

    Args:
        policy: Not needed any more once this is made.
        dtype: What the products are computed in.
    """

    def __init__(self, policy: Policy, dtype: torch.dtype) -> None:
        super().__init__()
        self.spec = policy_spec(policy)
        self.dtype = dtype
        self.frames = FramePart(policy, dtype)
        self.sampler = SamplerPart(policy, dtype)

    def forward(
        self, images: Tensor, order: Tensor, noise: Tensor, prefix: Tensor, weights: Tensor,
        mix: Tensor,
    ) -> Tensor:  # fmt: skip
        """See the module for the shapes."""
        keys_values = self.frames(images, order)
        actions: Tensor = self.sampler(noise, keys_values, prefix, weights, mix)
        return actions


def export_onnx(
    policy: str, path: Path | str, precision: str = "float32", frames: Array | None = None
) -> int:
    """Write a policy as an ONNX model; one of more than 32 MB has its weights beside it.

    Args:
        policy: A checkpoint's path, or ``random:SIZE[:SEED]``.
        path: The model's file; ``.data`` is added for its weights.
        precision: One of ``WHAT``.
        frames: ``n x 3 x S x S`` in [-1, 1], frames of the game to measure activations on
            (``fp8``); None for those of ``engines.calibration``.

    Returns:
        Bytes of all files.

    Raises:
        CheckpointError, PolicyError: The policy cannot be loaded.
        EngineUnavailable: There is no such precision.
        EngineError: The files cannot be written.
    """
    if precision not in WHAT:
        raise EngineUnavailable(
            f"there is no ONNX model in {quoted(precision)}", f"use {', '.join(WHAT)}"
        )
    dtype = torch.float32 if precision == "float32" else torch.bfloat16
    graph = ChunkGraph(open_policy(policy), dtype)
    return export_graph(graph, Path(path), precision, frames)


def export_graph(graph: ChunkGraph, path: Path, precision: str, frames: Array | None = None) -> int:
    """Write a graph as an ONNX model: see ``export_onnx``."""
    metadata = {
        "nitropilot.spec": json.dumps(dataclasses.asdict(graph.spec)),
        "nitropilot.precision": precision,
        "nitropilot.graph": graph_version(),
    }
    products = products_for(precision, graph, frames)
    recorded = _recorded(graph)
    log.info("writing %s of %s in %s", path.name, graph.spec.name, precision)
    with OnnxWriter(path) as writer:
        converter = Converter(writer, products)
        _declare(recorded, converter)
        for node in recorded.graph.nodes:
            if node.op == "call_function":
                converter.convert(node)
        (result,) = recorded.graph.output_node().args[0]
        writer.node("Identity", [converter.name(result)], "actions")
        writer.output("actions", KINDS[torch.float32], _shape(result))
        return writer.save(metadata)


def _recorded(graph: ChunkGraph) -> ExportedProgram:
    """The graph as torch records it, for one sequence, or for any number where that varies."""
    spec = graph.spec
    batch = 2 if spec.game_rows else 1
    chunk = torch.zeros(batch, spec.horizon, spec.action_dim)
    inputs = (
        torch.zeros(spec.frames, 3, spec.image_size, spec.image_size),
        torch.zeros(batch, spec.sequence_length, dtype=torch.int32),
        chunk,
        chunk.clone(),
        torch.zeros(batch, spec.horizon, 1),
        torch.eye(batch),
    )
    shapes = None
    if spec.game_rows:
        varies = {0: Dim.DYNAMIC}
        shapes = (None, varies, varies, varies, varies, {0: Dim.DYNAMIC, 1: Dim.DYNAMIC})
    with torch.no_grad():
        return torch.export.export(graph.eval(), inputs, dynamic_shapes=shapes, strict=False)


def _declare(recorded: ExportedProgram, to: Converter) -> None:
    """Tell the converter what the graph's inputs stand for: weights, or the model's inputs."""
    names = iter(INPUTS)
    nodes = [node for node in recorded.graph.nodes if node.op == "placeholder"]
    for node, spec in zip(nodes, recorded.graph_signature.input_specs, strict=True):
        if spec.kind is InputKind.USER_INPUT:
            name = next(names)
            to.given(node, name, name)
            to.writer.input(name, KINDS[node.meta["val"].dtype], _shape(node))
        else:
            assert spec.target is not None
            known = recorded.constants if spec.target in recorded.constants else recorded.state_dict
            to.given(node, known[spec.target], spec.target)


def _shape(node: Node) -> list[int | str]:
    return ["batch" if size == -1 else size for size in shape_of(node)]
