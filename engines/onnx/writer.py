"""``OnnxWriter``: an ONNX model put together node by node, its weights straight to disk.

Weights go to a file beside the model as they come, so that a model of 2 GB never stands
in memory twice (and protobuf could not hold it).  A small model has them inside and is
one file.  Nothing has its final name before it is complete.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor

from nitropilot.engines.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

OPSET = 21
"""The first whose DequantizeLinear gives bfloat16; Gelu needs 20."""
IR_VERSION = 10
INSIDE = 32 * 2**20
"""Up to so many bytes of weights are kept in the model's own file."""
PAGE = 4096
"""Where a large tensor may begin, so that a reader can map it."""

Shape = list[int | str]

KINDS = {
    torch.float32: TensorProto.FLOAT,
    torch.bfloat16: TensorProto.BFLOAT16,
    torch.int32: TensorProto.INT32,
}
FOREIGN: dict[torch.dtype, tuple[torch.dtype, Any]] = {
    torch.bfloat16: (torch.int16, ml_dtypes.bfloat16),
    torch.float8_e4m3fn: (torch.uint8, ml_dtypes.float8_e4m3fn),
}


class OnnxWriter:
    """Collects the parts of a model.  Use it in a ``with`` block, and ``save`` before its end.

    Args:
        path: Where the model is to be; its weights go to the same name with ``.data``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = path.with_name(path.name + ".data")
        self._part = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._data_part = path.with_name(f"{path.name}.data.{os.getpid()}.part")
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._names: set[str] = set()
        try:
            self._file = self._data_part.open("w+b")
        except OSError as error:
            raise unwritable(path, error) from None

    def __enter__(self) -> OnnxWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        for path in (self._part, self._data_part):
            with suppress(OSError):  # it is there only after a failure
                path.unlink()

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node with one output, which is called ``name``; returns that."""
        self._names.add(name)
        self._nodes.append(
            helper.make_node(operator, list(inputs), [name], name=name, **attributes)
        )
        return name

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """Add a constant; the first one of a name counts.  Returns the name.

        Args:
            name: Its name.
            array: Of a NumPy type, or one of ``ml_dtypes``' (bfloat16, float8).
        """
        if name in self._names:
            return name
        self._names.add(name)
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        tensor = TensorProto(
            name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype)
        )
        if flat.nbytes < PAGE:  # shapes among them, which readers want to see at once
            tensor.raw_data = flat.tobytes()
        else:
            self._put_beside(tensor, flat)
        self._tensors.append(tensor)
        return name

    def _put_beside(self, tensor: TensorProto, content: NDArray[np.uint8]) -> None:
        begin = -(-self._file.tell() // PAGE) * PAGE
        try:
            self._file.seek(begin)
            self._file.write(content.data)
        except OSError as error:
            raise unwritable(self.path, error) from None
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": self._data.name, "offset": begin, "length": content.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))

    def has(self, name: str) -> bool:
        """Whether a node or a constant is called so already."""
        return name in self._names

    def input(self, name: str, kind: int, shape: Shape) -> None:
        """Declare an input; names in the shape stand for what varies."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))

    def output(self, name: str, kind: int, shape: Shape) -> None:
        """Declare an output."""
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def save(self, metadata: Mapping[str, str]) -> int:
        """Write the model; returns the bytes of all its files.

        Raises:
            EngineError: The disk is full, say.
        """
        self._file.flush()
        size = self._file.seek(0, os.SEEK_END)
        inside = size <= INSIDE
        if inside:
            self._take_in()
        graph = helper.make_graph(self._nodes, "chunk", self._inputs, self._outputs, self._tensors)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="nitropilot",
        )
        helper.set_model_props(model, dict(metadata))
        try:
            size = self._part.write_bytes(model.SerializeToString()) + (0 if inside else size)
            self._file.close()
            self.path.unlink(missing_ok=True)  # never an old model beside new weights
            if inside:
                self._data.unlink(missing_ok=True)
            else:
                self._data_part.replace(self._data)
            self._part.replace(self.path)
        except OSError as error:
            raise unwritable(self.path, error) from None
        return size

    def _take_in(self) -> None:
        """Move the weights from the file into the tensors."""
        for tensor in self._tensors:
            place = {entry.key: entry.value for entry in tensor.external_data}
            if place:
                self._file.seek(int(place["offset"]))
                tensor.raw_data = self._file.read(int(place["length"]))
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")


def unwritable(path: Path, error: OSError) -> EngineError:
    """The error for a file that cannot be written."""
    return EngineError(
        f"cannot write {path}: {error.strerror or error}", "choose another place, or make room"
    )


def array_of(tensor: Tensor) -> NDArray[Any]:
    """A tensor as NumPy has it; what NumPy does not know is a type of ``ml_dtypes``."""
    tensor = tensor.detach().contiguous()
    if tensor.dtype not in FOREIGN:
        return tensor.numpy()
    plain, foreign = FOREIGN[tensor.dtype]
    array: NDArray[Any] = tensor.view(plain).numpy().view(foreign)
    return array
