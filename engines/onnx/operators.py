"""From the operators that torch records to those of ONNX.

``torch.export`` turns the sampler graph (``policy.network.graph``) into some twenty kinds of
operator; here is what each becomes.  ``engines.onnx.converter`` goes through the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from nitropilot.engines.onnx.writer import KINDS, array_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.fx import Node

    from nitropilot.engines.onnx.converter import Converter

    Form = Callable[..., "Value"]

Value = str | Tensor | list["Value"]
"""A tensor of the model by its name, one that is known already, or several."""


def shape_of(node: Node) -> list[int]:
    """The shape of what a node gives, -1 for what varies."""
    return [size if isinstance(size, int) else -1 for size in node.meta["val"].shape]


def _rank(node: Node) -> int:
    return len(node.meta["val"].shape)


def _linear(to: Converter, node: Node, x: Node, weight: Node, bias: Node) -> str:
    product = to.put("MatMul", to.products.operands(to, x, weight), f"{node.name}.product")
    return to.put("Add", [product, to.name(bias)], node.name)


def _layer_norm(
    to: Converter, node: Node, x: Node, shape: list[int], weight: Node | None = None,
    bias: Node | None = None, eps: float = 1e-5, *_: object,
) -> str:  # fmt: skip
    if weight is None or bias is None:
        ones = torch.ones(shape, dtype=x.meta["val"].dtype)
        inputs = [to.name(x), to.writer.tensor(f"ones {shape}", array_of(ones))]
    else:
        inputs = [to.name(x), to.name(weight), to.name(bias)]
    return to.put("LayerNormalization", inputs, node.name, axis=-len(shape), epsilon=eps)


def _attention(to: Converter, node: Node, q: Node, k: Node, v: Node) -> str:
    rank = _rank(q)
    scale = to.name(q.meta["val"].shape[-1] ** -0.5, like=q)
    scaled = to.put("Mul", [to.name(q), scale], f"{node.name}.q")
    swapped = [*range(rank - 2), rank - 1, rank - 2]
    turned = to.put("Transpose", [to.name(k)], f"{node.name}.k", perm=swapped)
    scores = to.put("MatMul", [scaled, turned], f"{node.name}.scores")
    weights = to.put("Softmax", [scores], f"{node.name}.weights", axis=-1)
    return to.put("MatMul", [weights, to.name(v)], node.name)


def _reshape(to: Converter, node: Node, x: Node, *_: object) -> str:
    shape = shape_of(node)
    assert shape.count(-1) <= 1
    return to.put("Reshape", [to.name(x), to.numbers(shape)], node.name)


def _transpose(to: Converter, node: Node, x: Node, a: int, b: int) -> str:
    axes = list(range(_rank(node)))
    axes[a], axes[b] = axes[b], axes[a]
    return to.put("Transpose", [to.name(x)], node.name, perm=axes)


def _permute(to: Converter, node: Node, x: Node, axes: list[int]) -> str:
    perm = [axis % _rank(node) for axis in axes]
    return to.put("Transpose", [to.name(x)], node.name, perm=perm)


def _select(to: Converter, node: Node, x: Node, axis: int, number: int) -> str:
    index = to.writer.tensor(f"index {number}", np.array(number, np.int64))
    return to.put("Gather", [to.name(x), index], node.name, axis=axis)


def _unbind(to: Converter, node: Node, x: Node, axis: int = 0) -> list[Value]:
    return [_part(to, node, x, axis, number) for number in range(len(node.meta["val"]))]


def _part(to: Converter, node: Node, x: Node, axis: int, number: int) -> str:
    index = to.writer.tensor(f"index {number}", np.array(number, np.int64))
    return to.put("Gather", [to.name(x), index], f"{node.name}.{number}", axis=axis)


def _chunk(to: Converter, node: Node, x: Node, _: int, axis: int = 0) -> list[Value]:
    parts, begin = [], 0
    for number, part in enumerate(node.meta["val"]):
        end = begin + part.shape[axis]
        where = [to.numbers([one]) for one in (begin, end, axis % part.dim())]
        parts.append(to.put("Slice", [to.name(x), *where], f"{node.name}.{number}"))
        begin = end
    return list(parts)


def _gelu(to: Converter, node: Node, x: Node, *, approximate: str = "none") -> str:
    return to.put("Gelu", [to.name(x)], node.name, approximate=approximate)


def _silu(to: Converter, node: Node, x: Node) -> str:
    gate = to.put("Sigmoid", [to.name(x)], f"{node.name}.gate")
    return to.put("Mul", [to.name(x), gate], node.name)


def _relu(to: Converter, node: Node, x: Node) -> str:
    return to.put("Relu", [to.name(x)], node.name)


def _einsum(to: Converter, node: Node, equation: str, operands: list[Node]) -> str:
    names = [to.name(one) for one in operands]
    return to.put("Einsum", names, node.name, equation=equation)


def _lerp(to: Converter, node: Node, a: Node, b: Node, w: Node) -> str:
    """``(1 - w) a + w b``, which is exact at both ends."""
    rest = to.put("Sub", [to.name(1.0, like=w), to.name(w)], f"{node.name}.rest")
    kept = to.put("Mul", [rest, to.name(a)], f"{node.name}.kept")
    taken = to.put("Mul", [to.name(w), to.name(b)], f"{node.name}.taken")
    return to.put("Add", [kept, taken], node.name)


def _cast(to: Converter, node: Node, x: Node, *_: object, **__: object) -> str:
    before, after = x.meta["val"].dtype, node.meta["val"].dtype
    if before == after:
        return to.name(x)
    return to.put("Cast", [to.name(x)], node.name, to=KINDS[after])


def _cat(to: Converter, node: Node, parts: list[Node], axis: int = 0) -> str:
    return to.put("Concat", [to.name(one) for one in parts], node.name, axis=axis)


def _embedding(to: Converter, node: Node, rows: Node, order: Node, *_: object) -> str:
    return to.put("Gather", [to.name(rows), to.name(order)], node.name, axis=0)


def _binary(operator: str) -> Form:
    def form(to: Converter, node: Node, a: Node, b: Node | float) -> str:
        return to.put(operator, [to.name(a), to.name(b, like=a)], node.name)

    return form


FORMS: dict[str, Form] = {
    "linear": _linear,
    "layer_norm": _layer_norm,
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(("reshape", "view", "flatten", "unflatten", "squeeze", "unsqueeze"), _reshape),
    "transpose": _transpose,
    "permute": _permute,
    "select": _select,
    "unbind": _unbind,
    "chunk": _chunk,
    "gelu": _gelu,
    "silu": _silu,
    "relu": _relu,
    "einsum": _einsum,
    "lerp": _lerp,
    "to": _cast,
    "_to_copy": _cast,
    "cat": _cat,
    "embedding": _embedding,
    "add": _binary("Add"),
    "sub": _binary("Sub"),
    "mul": _binary("Mul"),
    "div": _binary("Div"),
}
