"""The openpi wire: msgpack with NumPy arrays, decoded with distrust.

    array    {b"__ndarray__": True, b"data": bytes, b"dtype": "<f4", b"shape": [T, A]}
    scalar   {b"__npgeneric__": True, b"data": 0.5, b"dtype": "<f4"}

Arrays are C-contiguous and little-endian.  The convention is that of
``openpi_client.msgpack_numpy``; openpi's own decoder believes what a message says of
itself, this one does not: only plain number types, shapes that agree with the data, and
limits on bytes, items, depth and text (``Limits``).  Nothing here can run code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

from nitropilot.engines.errors import WireError

DTYPES = {
    name: np.dtype(name)
    for name in (
        "|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8",
    )
}  # fmt: skip
"""What an array or a scalar may be made of, by NumPy's name for it."""
MAX_DIMENSIONS = 8
LARGEST = 2**31
"""Of one dimension."""
MIB = 2**20

ARRAY, SCALAR = b"__ndarray__", b"__npgeneric__"
PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "b": bool, "i": int, "u": int, "f": (int, float),
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What a message may have at most.

    Attributes:
        size: Bytes in all.
        items: Values in all, those within others included.
        depth: Containers within each other.
        text: Bytes of one text.
    """

    size: int = 32 * MIB
    items: int = 512
    depth: int = 6
    text: int = 4096


def pack(message: Any) -> bytes:
    """Encode a message; its arrays may be of any type in ``DTYPES``.

    Raises:
        WireError: It holds something that the wire has no form for.
    """
    try:
        return bytes(msgpack.packb(message, default=_encode))
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"the message cannot be sent: {error}") from None


def unpack(data: bytes, limits: Limits | None = None) -> Any:
    """Decode a message.  Its arrays are read-only views of ``data``'s copy.

    Raises:
        WireError: It is no msgpack, breaks a limit, or holds what is not allowed.
    """
    limits = limits or Limits()
    if len(data) > limits.size:
        raise WireError(f"the message has {len(data)} bytes", f"at most {limits.size}")
    decoder = _Decoder(limits)
    try:
        message = msgpack.unpackb(
            data,
            object_pairs_hook=decoder.mapping,
            list_hook=decoder.sequence,
            ext_hook=_no_extension,
            max_str_len=limits.text,
            max_bin_len=limits.size,
            max_array_len=limits.items,
            max_map_len=limits.items,
            max_ext_len=0,
        )
    except WireError:
        raise
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise WireError(f"the message is no msgpack that is read here: {reason[:200]}") from None
    _check_depth(message, limits.depth)
    return message


class _Decoder:
    """Called for every container as soon as it is complete, the inner ones first."""

    def __init__(self, limits: Limits) -> None:
        self._left = limits.items

    def sequence(self, items: list[Any]) -> list[Any]:
        """A list, counted."""
        self._count(len(items))
        return items

    def mapping(self, pairs: list[tuple[Any, Any]]) -> Any:
        """A map, counted; or the array or scalar that it stands for."""
        self._count(len(pairs))
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise WireError("a map has the same key twice")
        if ARRAY in fields:
            return _array(fields)
        if SCALAR in fields:
            return _scalar(fields)
        if not all(isinstance(key, str) for key in fields):
            raise WireError("a map has a key that is no text")
        return fields

    def _count(self, items: int) -> None:
        self._left -= 1 + items
        if self._left < 0:
            raise WireError("the message has too many items")


def _array(fields: dict[Any, Any]) -> np.ndarray[Any, np.dtype[Any]]:
    dtype = _dtype(fields, ARRAY, {ARRAY, b"data", b"dtype", b"shape"})
    data, shape = fields[b"data"], fields[b"shape"]
    if not isinstance(data, bytes) or not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
        raise WireError("an array's data or shape is of the wrong type")
    if not all(type(size) is int and 0 <= size <= LARGEST for size in shape):
        raise WireError("an array's shape is not made of sizes")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise WireError(f"an array has {len(data)} bytes", "its shape and type say another number")
    array = np.frombuffer(data, dtype) if data else np.empty(0, dtype)
    if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise WireError("an array of truth values holds something else")
    return array.reshape(shape)


def _scalar(fields: dict[Any, Any]) -> np.generic:
    dtype = _dtype(fields, SCALAR, {SCALAR, b"data", b"dtype"})
    value = fields[b"data"]
    if not isinstance(value, PYTHON_TYPES[dtype.kind]) or (
        isinstance(value, bool) and dtype.kind != "b"
    ):
        raise WireError(f"a scalar of type {dtype.str} holds a {type(value).__name__}")
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which whoever uses it refuses
            scalar: np.generic = dtype.type(value)
    except OverflowError:
        raise WireError(f"a scalar of type {dtype.str} holds a number beyond it") from None
    return scalar


def _dtype(fields: dict[Any, Any], mark: bytes, keys: set[bytes]) -> np.dtype[Any]:
    if set(fields) != keys or fields[mark] is not True:
        raise WireError("an array or a scalar has not the parts that it should have")
    name = fields[b"dtype"]
    if not isinstance(name, str) or name not in DTYPES:
        raise WireError(
            f"arrays of type {str(name)[:40]!r} are not read", f"use {', '.join(DTYPES)}"
        )
    return DTYPES[name]


def _no_extension(code: int, _data: bytes) -> Any:
    raise WireError(f"msgpack extensions ({code}) are not read")


def _check_depth(message: Any, depth: int) -> None:
    """Refuse what is nested deeper; the number of items was bounded before."""
    level = _containers([message])
    for _ in range(depth):
        level = [inner for one in level for inner in _containers(one)]
    if level:
        raise WireError("the message is nested too deeply")


def _containers(values: dict[str, Any] | list[Any]) -> list[Any]:
    inside = values.values() if isinstance(values, dict) else values
    return [value for value in inside if isinstance(value, dict | list)]


def _encode(value: Any) -> Any:
    """The form of what msgpack has none for."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.str not in DTYPES:
        raise WireError(f"arrays of type {value.dtype} are not sent")
    if isinstance(value, np.ndarray):
        shape = list(value.shape)
        return {ARRAY: True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": shape}
    if isinstance(value, np.generic):
        return {SCALAR: True, b"data": value.item(), b"dtype": value.dtype.str}
    raise WireError(f"a {type(value).__name__} cannot be sent")
