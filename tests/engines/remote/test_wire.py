"""The wire between clients and policy servers: openpi's form, and nothing beyond it."""

from __future__ import annotations

import time
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nitropilot.engines.errors import WireError
from nitropilot.engines.remote.wire import DTYPES, Limits, pack, unpack


def array_map(**changes: Any) -> bytes:
    """A message with one array of two floats, with parts of it changed."""
    parts: dict[bytes, Any] = {
        b"__ndarray__": True, b"data": b"\0" * 8, b"dtype": "<f4", b"shape": [2],
    }  # fmt: skip
    parts |= {name.encode(): value for name, value in changes.items()}
    return bytes(msgpack.packb({"x": {k: v for k, v in parts.items() if v is not ...}}))


def scalar_map(data: Any, dtype: Any) -> bytes:
    """A message with one scalar."""
    return bytes(msgpack.packb({"x": {b"__npgeneric__": True, b"data": data, b"dtype": dtype}}))


HOSTILE = {
    "nothing": b"",
    "an unused byte": b"\xc1",
    "cut off": b"\x81\xa1a",
    "two messages": b"\xc0\xc0",
    "bad text": b"\xa2\xff\xff",
    "text of 4 GB": b"\xdb\xff\xff\xff\xff",
    "bytes of 4 GB": b"\xc6\xff\xff\xff\xff",
    "list of 4 billion": b"\xdd\xff\xff\xff\xff",
    "map of 4 billion": b"\xdf\xff\xff\xff\xff",
    "long text": msgpack.packb("x" * 5000),
    "deep": b"\x91" * 20 + b"\xc0",
    "very deep": b"\x91" * 1_000_000 + b"\xc0",
    "deep maps": b"\x81\xa1a" * 20 + b"\xc0",
    "lists in lists": b"\x9f" * 1000 + b"\xc0" * 14_001,
    "too many items": msgpack.packb([0] * 513),
    "too many in parts": msgpack.packb([[0] * 100] * 6),
    "extension": b"\xd4\x05\x00",
    "large extension": msgpack.packb(msgpack.ExtType(7, b"x" * 1000)),
    "timestamp": msgpack.packb(msgpack.Timestamp(1)),
    "number as key": msgpack.packb({1: 2}),
    "bytes as key": msgpack.packb({b"image": 2}),
    "nothing as key": b"\x81\xc0\xc0",
    "list as key": b"\x81\x90\x01",
    "key twice": b"\x82\xa1a\x01\xa1a\x02",
    "array mark twice": b"\x82\xc4\x0b__ndarray__\xc3\xc4\x0b__ndarray__\xc3",
    "objects": array_map(dtype="|O"),
    "objects of 8": array_map(dtype="|O8", shape=[1]),
    "pickled objects": array_map(dtype="|O", data=b"\x80\x04cos\nsystem\n."),
    "records": array_map(dtype=[["a", "<f4"]]),
    "records in a text": array_map(dtype="<f4,<f4", shape=[1]),
    "void": array_map(dtype="|V8", shape=[1]),
    "complex": array_map(dtype="<c8", shape=[1]),
    "dates": array_map(dtype="<M8[s]", shape=[1]),
    "texts": array_map(dtype="<U1"),
    "big-endian": array_map(dtype=">f4"),
    "type by alias": array_map(dtype="float32"),
    "type in bytes": array_map(dtype=b"<f4"),
    "no type": array_map(dtype=...),
    "no mark": array_map(__ndarray__=False),
    "mark as number": array_map(__ndarray__=1),
    "one part more": array_map(order="F"),
    "too few bytes": array_map(data=b"\0" * 4),
    "too many bytes": array_map(data=b"\0" * 12),
    "no bytes": array_map(data=b""),
    "text as data": array_map(data="aaaaaaaa"),
    "list as data": array_map(data=[0] * 8),
    "negative": array_map(shape=[-2]),
    "negative twice": array_map(shape=[-1, -2]),
    "inferred": array_map(shape=[-1]),
    "overflowing": array_map(shape=[2**63, 2**63]),
    "empty and overflowing": array_map(data=b"", shape=[0, 2**63]),
    "empty and huge": array_map(data=b"", shape=[0, 2**31, 2**31, 2**31]),
    "truth as size": array_map(shape=[True, 2]),
    "float as size": array_map(shape=[2.0]),
    "array as size": array_map(shape=[{b"__npgeneric__": True, b"data": 2, b"dtype": "<i4"}]),
    "number as shape": array_map(shape=2),
    "bytes as shape": array_map(shape=b"\x02"),
    "33 dimensions": array_map(shape=[1] * 32 + [2]),
    "odd truth": array_map(dtype="|b1", data=b"\x00\x02"),
    "scalar of objects": scalar_map(1, "|O"),
    "scalar out of range": scalar_map(300, "|u1"),
    "scalar far out of range": scalar_map(2**63, "<i8"),
    "negative unsigned": scalar_map(-1, "|u1"),
    "float as whole": scalar_map(1.5, "<i4"),
    "text as number": scalar_map("1", "<f4"),
    "bytes as number": scalar_map(b"1", "<f4"),
    "truth as number": scalar_map(True, "<f4"),
    "number as truth": scalar_map(1, "|b1"),
    "list as number": scalar_map([1], "<f4"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_refused(name: str) -> None:
    """openpi's own decoder believes shapes, types and lengths: a bound error, never another."""
    with pytest.raises(WireError) as failure:
        unpack(HOSTILE[name])
    assert failure.value.line()
    assert len(failure.value.line()) < 400


def test_a_message_over_the_limit_is_not_even_read() -> None:
    """Memory for a message is bounded by one number."""
    with pytest.raises(WireError, match="2001 bytes"):
        unpack(b"\x00" * 2001, Limits(size=2000))


def test_limits_have_no_gap() -> None:
    """What is exactly as much as allowed is read; one more is not."""
    for limits, most, more in (
        (Limits(items=4), [1, 2, 3], [1, 2, 3, 4]),
        (Limits(items=5), [[1, 2]], [[1], []]),
        (Limits(depth=2), [[1]], [[[]]]),
        (Limits(depth=2), {"a": [1]}, {"a": [{}]}),
        (Limits(text=5), "12345", "123456"),
        (Limits(text=5), "é" * 2, "€" * 2),
    ):
        assert unpack(msgpack.packb(most), limits) == most
        with pytest.raises(WireError):
            unpack(msgpack.packb(more), limits)


def test_a_bomb_costs_nothing() -> None:
    """32 MB of nested empty lists must be given up at the limit, not after building them."""
    bomb = b"\xdc\x00\x64" + (b"\xdc\xff\xff" + b"\x90" * 65535) * 100
    began = time.process_time()
    for _ in range(20):
        with pytest.raises(WireError):
            unpack(bomb)
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize("name", DTYPES)
def test_every_type_survives(name: str) -> None:
    """Arrays and scalars come out as they went in, of the same type."""
    dtype = DTYPES[name]
    array = np.arange(6).reshape(2, 3).astype(dtype)
    back = unpack(pack({"a": array, "t": array.T, "s": array[1, 2], "e": array[:0]}))
    np.testing.assert_array_equal(back["a"], array)
    np.testing.assert_array_equal(back["t"], array.T)
    assert (back["s"], back["e"].shape) == (array[1, 2], (0, 3))
    assert {back[key].dtype for key in "ate"} == {dtype}
    if name != "<f8":  # those are Python floats, for msgpack too
        assert back["s"].dtype == dtype


def test_the_form_is_openpis() -> None:
    """Their keys are bytes, not texts; the data is C-contiguous."""
    array = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    raw = msgpack.unpackb(pack({"a": array, "s": np.float32(0.5)}))
    assert raw == {
        "a": {
            b"__ndarray__": True, b"data": array.tobytes("C"), b"dtype": "<f4", b"shape": [2, 3],
        },
        "s": {b"__npgeneric__": True, b"data": 0.5, b"dtype": "<f4"},
    }  # fmt: skip


def test_arrays_without_dimensions() -> None:
    """A number in an array's clothes."""
    back = unpack(pack({"x": np.array(3, np.int64)}))
    assert back["x"].shape == ()
    assert back["x"] == 3


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, np.array([object()]), np.array(["a"]), np.zeros(2, "c8"), 2**64, 1j,
     np.zeros(2, [("a", "<f4")]), np.datetime64("2026-01-01")],
    # Not what str says: an object's has its address, and every process of a run another one.
    ids=["object", "set", "objects", "text", "complex numbers", "2**64", "1j", "records", "date"],
)  # fmt: skip
def test_what_has_no_form_is_not_sent(value: object) -> None:
    """A type that the other side refuses must fail here, with its name."""
    with pytest.raises(WireError):
        pack({"x": value})


SIMPLE = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
TEXTS = st.text(max_size=20)
ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: hnp.arrays(DTYPES[name], hnp.array_shapes(min_dims=0, max_dims=4, max_side=4))
)
VALUES = st.recursive(
    SIMPLE | TEXTS | st.binary(max_size=20) | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def same(a: Any, b: Any) -> bool:
    """Equal, types included; nan is nan."""
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype == b.dtype and bool(a.tobytes() == b.tobytes())
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


@given(value=VALUES)
@settings(deadline=None)
def test_whatever_is_sent_comes_back(value: Any) -> None:
    """Lists, maps, numbers, texts, bytes and arrays within each other."""
    assert same(value, unpack(pack(value), Limits(depth=50)))


@given(data=st.binary(max_size=200))
@settings(deadline=None, max_examples=500)
def test_noise_is_read_or_refused(data: bytes) -> None:
    """Never another error than the one that the connection is closed for."""
    try:
        unpack(data)
    except WireError as error:
        assert error.line()


GOOD = pack({"image": np.zeros((4, 4, 3), np.uint8), "seed": np.int64(3), "game": "x", "d": [{}]})


@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), cut=st.booleans())
@settings(deadline=None, max_examples=1000)
def test_a_good_message_with_one_wrong_byte(place: int, byte: int, cut: bool) -> None:
    """What nearly looks right is where decoders break."""
    data = GOOD[:place] + bytes([byte]) + (b"" if cut else GOOD[place + 1 :])
    try:
        unpack(data)
    except WireError as error:
        assert error.line()
