"""``Row``: what was sent to the pad while a frame was shown, as a line and as a row of a table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from nitropilot.records.format import (
    BUTTON_BITS,
    OLDER,
    OUR_COLUMNS,
    PUBLISHED_BUTTONS,
    STICKS,
    TRIGGER_PRESSED,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


@dataclass(frozen=True)
class Row:
    """What was sent while a frame was shown; the columns are explained in ``records.format``.

    Sticks are in the pad's sense, **y up**; it is the table that has the published sense, y down.
    ``buttons`` are XInput's bits.
    """

    frame_index: int
    frame_time: float
    sent_time: float
    stretch: int
    source: str
    policy_chunk: int
    policy_action: int
    frame_repeated: bool
    left_x: float
    left_y: float
    right_x: float
    right_y: float
    trigger_left: float
    trigger_right: float
    buttons: int

    @classmethod
    def parse(cls, line: str) -> Row:
        """A line of the tail.

        Raises:
            ValueError, TypeError: It is cut off, or is none.
        """
        values = json.loads(line)
        if len(values) == len(fields(cls)) - len(OLDER):
            frame, sent, *rest = values
            values = [frame, OLDER["frame_time"], sent, OLDER["stretch"], *rest]
        if len(values) != len(fields(cls)):
            raise ValueError(f"{len(values)} values")
        return cls(*values)

    def line(self) -> str:
        """The row as a line of the tail."""
        return json.dumps(list(asdict(self).values()), separators=(",", ":")) + "\n"

    def pressed(self) -> set[str]:
        """Published names of what is pressed."""
        names = {name for name, bit in BUTTON_BITS.items() if self.buttons & bit}
        if self.trigger_left > TRIGGER_PRESSED:
            names.add("left_trigger")
        if self.trigger_right > TRIGGER_PRESSED:
            names.add("right_trigger")
        return names


def published_schema() -> pa.Schema:
    """The columns that every reader of the published set knows."""
    import pyarrow as pa

    stick = pa.list_(pa.float64())
    return pa.schema(
        [(name, pa.bool_()) for name in PUBLISHED_BUTTONS] + [(name, stick) for name in STICKS]
    )


def schema() -> pa.Schema:
    """All columns of a recording: the published ones and ours."""
    import pyarrow as pa

    ours = [pa.field(name, pa.type_for_alias(kind)) for name, kind in OUR_COLUMNS.items()]
    return pa.schema([*published_schema(), *ours])


def table_of(rows: Sequence[Row]) -> pa.Table:
    """Rows as a table with the published columns and ours."""
    import pyarrow as pa

    pressed = [row.pressed() for row in rows]
    columns: dict[str, list[object]] = {
        name: [name in held for held in pressed] for name in PUBLISHED_BUTTONS
    }
    columns["j_left"] = [[row.left_x, 0.0 - row.left_y] for row in rows]
    columns["j_right"] = [[row.right_x, 0.0 - row.right_y] for row in rows]
    for name in OUR_COLUMNS:
        columns[name] = [getattr(row, name) for row in rows]
    return pa.table(columns, schema=schema())


def rows_of(table: pa.Table) -> list[Row]:
    """The rows that a table of a recording was made of: what ``table_of`` reverses."""
    return [
        Row(
            **{name: values[name] for name in OUR_COLUMNS},
            left_x=values["j_left"][0],
            left_y=0.0 - values["j_left"][1],
            right_x=values["j_right"][0],
            right_y=0.0 - values["j_right"][1],
            buttons=sum(bit for name, bit in BUTTON_BITS.items() if values[name]),
        )
        for values in table.to_pylist()
    ]
