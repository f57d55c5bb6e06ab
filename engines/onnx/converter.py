"""``Converter``: goes through a recorded graph and writes every node as ONNX has it.

What depends on weights alone is computed at once.  At most one dimension of a tensor
varies (the batch), so that every shape can be written down with one -1.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.fx import Node
from torch.fx.node import map_arg

from nitropilot.engines.errors import EngineError
from nitropilot.engines.onnx import operators as onnx_operators
from nitropilot.engines.onnx.writer import array_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.engines.onnx.operators import Value
    from nitropilot.engines.onnx.writer import OnnxWriter

UNCHANGED = {"contiguous", "detach", "clone", "alias"}
IGNORED = {"_assert_tensor_metadata"}


class Products:
    """How the matrix products with weights are written: as they are."""

    def operands(self, to: Converter, x: Node, weight: Node) -> tuple[str, str]:
        """Names of ``... x in`` and ``in x out`` for a linear layer's input and weight."""
        return to.name(x), to.writer.tensor(f"{to.label(weight)}.T", array_of(to.known(weight).T))


class Converter:
    """Writes the nodes of a recorded graph: first ``given`` for its inputs, then ``convert``.

    Args:
        writer: Where they go.
        products: How products with weights are written.
    """

    def __init__(self, writer: OnnxWriter, products: Products) -> None:
        self.writer = writer
        self.products = products
        self._values: dict[Node, Value] = {}
        self._labels: dict[Node, str] = {}

    def given(self, node: Node, value: str | Tensor, label: str) -> None:
        """What an input of the graph stands for."""
        self._values[node] = value
        self._labels[node] = label

    def convert(self, node: Node) -> None:
        """Write what one call of an operator becomes.

        Raises:
            EngineError: There is no form for this operator here.
        """
        kind = "getitem" if node.target is operator.getitem else _kind(node)
        if kind in IGNORED:
            return
        if kind == "getitem":
            self._values[node] = cast("list[Value]", self._value(node.args[0]))[node.args[1]]  # type: ignore[index]
        elif all(isinstance(self._values[used], Tensor) for used in node.all_input_nodes):
            self._values[node] = self._computed(node)
        elif kind in UNCHANGED:
            self._values[node] = self._value(node.args[0])
        elif kind in onnx_operators.FORMS:
            self._values[node] = onnx_operators.FORMS[kind](self, node, *node.args, **node.kwargs)
        else:
            raise EngineError(
                f"the policy's graph has {kind!r}, and there is no ONNX form for it here",
                "please report this: it is a fault of NitroPilot",
            )

    def name(self, argument: object, like: Node | None = None) -> str:
        """The name of what is given to an operator; numbers take the type of ``like``."""
        if isinstance(argument, Node):
            value = self._value(argument)
            if isinstance(value, str):
                return value
            assert isinstance(value, Tensor)
            return self.writer.tensor(self.label(argument), array_of(value))
        assert isinstance(argument, int | float)
        assert like is not None
        dtype = like.meta["val"].dtype
        number = torch.tensor(argument, dtype=dtype)
        return self.writer.tensor(f"{argument} {dtype}".replace("torch.", ""), array_of(number))

    def known(self, argument: object) -> Tensor:
        """What is given to an operator, where it is a weight."""
        value = self._value(argument)
        assert isinstance(value, Tensor)
        return value

    def label(self, node: Node) -> str:
        """What a weight is called."""
        return self._labels.get(node, node.name)

    def put(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node; see ``OnnxWriter.node``."""
        return self.writer.node(operator, inputs, name, **attributes)

    def numbers(self, numbers: Sequence[int]) -> str:
        """Add a constant vector of int64."""
        return self.writer.tensor(f"numbers {list(numbers)}", np.array(numbers, np.int64))

    def _value(self, argument: object) -> Value:
        assert isinstance(argument, Node)
        return self._values[argument]

    def _computed(self, node: Node) -> Value:
        assert callable(node.target)
        result = node.target(*map_arg(node.args, self.known), **map_arg(node.kwargs, self.known))
        return cast("Value", list(result) if isinstance(result, tuple) else result)


def _kind(node: Node) -> str:
    """``linear`` for ``aten.linear.default``."""
    return str(getattr(node.target, "__name__", node.target)).split(".")[0]
