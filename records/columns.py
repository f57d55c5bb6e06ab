"""Reads a Parquet file of actions and makes its columns what ``records.rows`` says.

Writers of the published set differ in the order of columns and in types (buttons as bool or as
integers, sticks as lists of float or double), and add columns of their own: all that is taken.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from nitropilot.records.errors import DamagedRecording
from nitropilot.records.format import STICKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa


def checked(
    path: Path, schema: pa.Schema, otherwise: Mapping[str, float | int] = MappingProxyType({})
) -> pa.Table:
    """Read the columns of a schema, in its order and with its types.

    Args:
        path: The file.
        schema: The columns.
        otherwise: What every row has in columns that may be missing.

    Raises:
        DamagedRecording: The file cannot be read, lacks a column, or has one of another type,
            with gaps, or with a stick that is not two finite numbers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            missing = {name for name in schema.names if there.count(name) != 1}
            if damaged := [name for name in schema.names if name in missing - {*otherwise}]:
                raise DamagedRecording(f"{path} does not have the columns {', '.join(damaged)}")
            table = file.read(columns=[name for name in schema.names if name not in missing])
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamagedRecording(f"{path} cannot be read: {error}") from error
    columns = [
        pa.chunked_array([pa.array([otherwise[field.name]] * table.num_rows, field.type)])
        if field.name in missing
        else _as(table[field.name], field, path)
        for field in schema
    ]
    return pa.table(columns, names=schema.names)


def _as(column: pa.ChunkedArray, field: pa.Field, path: Path) -> pa.ChunkedArray:
    """A column with the type that it should have."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise DamagedRecording(f"{path} has rows without {field.name}")
    if pa.types.is_boolean(field.type) and pa.types.is_integer(column.type):
        return pc.not_equal(column, 0)
    if field.name in STICKS:
        return _stick(column, field.name, path)
    if column.type != field.type:
        raise DamagedRecording(
            f"{path} has {field.name} as {column.type}, and it should be {field.type}"
        )
    return column


def _stick(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    """A stick's column: lists of two numbers each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        # Parquet calls an item "element": so what is read and written again stays as it was.
        lists = column.cast(pa.list_(pa.field("element", pa.float64())))
        numbers = pc.list_flatten(lists)
        pairs = pc.all(pc.equal(pc.list_value_length(lists), 2), min_count=0).as_py()
        finite = pc.all(pc.is_finite(numbers), min_count=0).as_py()
    except pa.ArrowException as error:
        raise DamagedRecording(f"{path} has no numbers in {name}: {error}") from error
    if not pairs or not finite or numbers.null_count:
        raise DamagedRecording(f"{path} has a {name} that is not two finite numbers")
    return lists
