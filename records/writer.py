"""``RowLog``: writes a recording's rows so that a process that is killed loses none.

A row is first a line of ``tail.jsonl``; when 20 s are full, or where ticks are missing before
the next one, they become a chunk's folder, written beside and renamed, and the tail begins anew.
So what has its name is complete.
"""

from __future__ import annotations

import json
import secrets
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from nitropilot.records.format import ACTIONS, METADATA, PART, TAIL, Source, metadata
from nitropilot.records.rows import Row, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa


class RowLog:
    """Appends rows to a recording's folder.  Used from one thread.

    Args:
        folder: The recording's folder.
        source: What it is of.

    Attributes:
        chunks: Chunks that are closed.
    """

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder = folder
        self.source = source
        self.chunks = 0
        self._rows: list[Row] = []
        self._began: float | None = None
        self._tail: IO[str] = (folder / TAIL).open("w", encoding="utf-8")

    def add(self, row: Row, shown: float | None = None) -> None:
        """Append a row and hand it to the operating system; closes a chunk that is complete.

        Args:
            row: The row.
            shown: At which second of the video its frame is shown; None where no gap is before.

        Raises:
            OSError: The disk is full.
        """
        if self._rows and self._rows[-1].stretch != row.stretch:
            self._close_chunk()
        if not self._rows:
            self._began = shown
        self._tail.write(row.line())
        self._tail.flush()
        self._rows.append(row)
        if len(self._rows) == self.source.chunk_rows:
            self._close_chunk()

    def close(self) -> None:
        """Write what is left as the last chunk.

        Raises:
            OSError: The disk is full.
        """
        if self._rows:
            self._close_chunk()
        self._tail.close()
        (self.folder / TAIL).unlink(missing_ok=True)

    def release(self) -> None:
        """Let the file go without finishing anything, whatever the disk says to that."""
        with suppress(OSError):  # the line that had no room is written again, in vain
            self._tail.close()

    def _close_chunk(self) -> None:
        write_chunk(self.folder, self.source, self.chunks, table_of(self._rows), self._began)
        self.chunks += 1
        self._rows = []
        # Rows that a crash leaves in both places are told apart by their frame.
        self._tail.seek(0)
        self._tail.truncate()


def new_id(root: Path, session: str) -> str:
    """A name for a recording that begins now: when (UTC), and by which session.

    Args:
        root: The folder of all recordings; none of that name is there.
        session: Id of the session, eight hexadecimal digits.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{session}"
    while (root / name).exists() or (root / f"{name}{PART}").exists():
        name = f"{stamp}-{session}-{secrets.token_hex(2)}"
    return name


def chunks_of(rows: Sequence[Row], source: Source) -> Iterator[Sequence[Row]]:
    """Rows that follow on each other as the chunks that they become."""
    first = 0
    for number, row in enumerate(rows):
        full = number - first == source.chunk_rows
        if number > first and (full or row.stretch != rows[first].stretch):
            yield rows[first:number]
            first = number
    if rows:
        yield rows[first:]


def write_chunk(
    folder: Path, source: Source, number: int, table: pa.Table, began: float | None = None
) -> None:
    """Write a chunk's folder beside and give it its name; one of that name is replaced.

    Args:
        folder: The recording's.
        source: What it is of.
        number: The chunk's.
        table: Its rows.
        began: At which second of the video its first frame is shown; None where no gap is before.

    Raises:
        OSError: The disk is full.
    """
    import pyarrow.parquet as pq

    final = folder / source.chunk_name(number)
    part = final.with_name(final.name + PART)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    pq.write_table(table, part / ACTIONS)
    first = table["frame_index"][0].as_py() if table.num_rows else 0
    write_json(part / METADATA, metadata(source, number, first, table.num_rows, began))
    if final.exists():
        shutil.rmtree(final)
    part.rename(final)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object beside and give the file its name."""
    part = path.with_name(path.name + PART)
    part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
