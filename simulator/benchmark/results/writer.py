"""``ResultWriter``: appends episodes to a result so that a run that is killed loses none.

    with ResultWriter(folder, run) as writer:          # begins a result, or goes on with it
        for key, attempt in writer.missing():
            writer.add(outcome, actions)                # on the disk when it returns

Who plays the episodes may be many; one process writes, from one thread.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from nitropilot.simulator.benchmark.results.errors import NotAResult, ResultBusy, WrongRecord
from nitropilot.simulator.benchmark.results.files import (
    EPISODES,
    LOCK,
    PART,
    RUN,
    TRACES,
    sync_folder,
    told,
    write_whole,
)
from nitropilot.simulator.benchmark.results.lines import line_of, record_of
from nitropilot.simulator.benchmark.results.reader import Planned, Result, read_result
from nitropilot.simulator.benchmark.results.resume import same_run
from nitropilot.simulator.benchmark.results.traces import actions_of, write_trace

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import ArrayLike

    from nitropilot.simulator.benchmark.results.episode import Outcome, Record
    from nitropilot.simulator.benchmark.results.run import Run

log = logging.getLogger("nitropilot.benchmark")


class ResultWriter:
    """Writes one result.  Used from one thread, and closed at the end.

    Args:
        folder: Its folder: one that is not there or is empty, or that of the same run.
        run: What is to be run.

    Attributes:
        folder: As given.
        run: As given; ``created`` is that of the result's beginning.
        cut_off: Bytes of a half line that a killed run had left, and that were removed.

    Raises:
        NotAResult: The folder holds something else.
        OtherFormat: It holds a result of another version.
        DamagedResult: It holds a result that cannot be read.
        RunDiffers: It holds a result of another run; the error names every difference.
        ResultBusy: Another process writes it.
        NotWritten: The system does not let us.
    """

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self._file: FileIO | None = None
        if folder.exists() and not folder.is_dir():
            raise NotAResult(f"{folder} is a file, and a result is a folder", "name another --out")
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _nobody_elses(folder)
            self._lock = FileLock(folder / LOCK)
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise ResultBusy(
                    f"another process writes the result {folder}", "wait for it, or end it"
                ) from None
        try:
            result = self._begun(run)
            self.run = result.run
            self.cut_off = result.cut_off
            self._records = list(result.records)
            self._due = dict(result.missing())
            self._head = result.head
            with told(folder / EPISODES):
                self._file = (folder / EPISODES).open("r+b", buffering=0)
                self._whole = self._file.seek(-result.cut_off, os.SEEK_END)
                self._file.truncate()
        except BaseException:
            self.close()
            raise
        if self.cut_off:
            log.warning(
                "%s ended in half a line (%d bytes), as a killed run leaves it: it is dropped, and "
                "its episode is played again", folder / EPISODES, self.cut_off,
            )  # fmt: skip

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def records(self) -> tuple[Record, ...]:
        """All that was written, in its order; void ones too."""
        return tuple(self._records)

    def missing(self) -> list[Planned]:
        """The episodes that are still to be played, with the number of the attempt."""
        return [Planned(key, attempt) for key, attempt in self._due.items()]

    def add(self, outcome: Outcome, actions: ArrayLike | None = None) -> Record:
        """Write an episode; it is on the disk when this returns.

        Args:
            outcome: How it went.
            actions: ``T x 20``, what each of its steps was given; None where nothing is known.

        Raises:
            WrongRecord: The run did not ask for it, it has been played, it is another attempt than
                is due, or its trace is none of its.
            NotWritten: There is no room; nothing of it is left, and it can be tried again.
        """
        self._expected(outcome)
        trace = None
        if actions is not None:
            try:
                values = actions_of(actions)
            except ValueError as error:
                raise WrongRecord(f"{outcome.key}: {error}") from error
            if len(values) != outcome.steps:
                raise WrongRecord(
                    f"{outcome.key}: {outcome.steps} steps, and a trace of {len(values)}"
                )
            trace = write_trace(self.folder, len(self._records), values)
        line = line_of(outcome, self.run, len(self._records), self._head, trace)
        record = record_of(line[:-1])
        self._append(line)
        self._records.append(record)
        self._head = record.digest
        if record.void:
            self._due[record.key] += 1
        else:
            del self._due[record.key]
        return record

    def close(self) -> None:
        """Let the files go; what was added stays, and the run can be gone on with."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.release()

    def _begun(self, run: Run) -> Result:
        """The result as it is, or as it begins now."""
        if not (self.folder / RUN).exists():
            self._begin(run)
        result = read_result(self.folder)
        same_run(self.folder, result.run, run)
        return result

    def _begin(self, run: Run) -> None:
        """Write what is run, last of all: where it is, the rest is as well."""
        with told(self.folder):
            (self.folder / TRACES).mkdir(exist_ok=True)
        write_whole(self.folder / EPISODES, lambda _file: None)
        text = run.model_dump_json(indent=1) + "\n"
        write_whole(self.folder / RUN, lambda file: file.write(text.encode()))
        with told(self.folder):
            sync_folder(self.folder.parent)

    def _expected(self, outcome: Outcome) -> None:
        """Raises ``WrongRecord`` unless the outcome is one that is still missing."""
        due = self._due.get(outcome.key)
        if due == outcome.attempt:
            return
        if due is not None:
            raise WrongRecord(
                f"{outcome.key}: attempt {due} is due, and this is attempt {outcome.attempt}"
            )
        known = outcome.key in {record.key for record in self._records}
        why = "has been played" if known else "was not asked for"
        raise WrongRecord(f"{outcome.key}: this episode {why}", "add what missing() names")

    def _append(self, line: bytes) -> None:
        assert self._file is not None, "the writer is closed"
        with told(self.folder / EPISODES):
            try:
                self._file.seek(self._whole)
                left = memoryview(line)
                while left:
                    left = left[self._file.write(left) :]
                os.fsync(self._file.fileno())
            except BaseException:
                with suppress(OSError):
                    self._file.truncate(self._whole)
                raise
        self._whole += len(line)


def _nobody_elses(folder: Path) -> None:
    """Raises ``NotAResult`` where a folder has something, and what was run is not in it."""
    if (folder / RUN).exists():
        return
    for path in sorted(folder.iterdir()):
        begun = (
            path.name in (LOCK, RUN)  # the latter of somebody who begins it now
            or path.name.endswith(PART)
            or (path.name == EPISODES and not path.stat().st_size)
            or (path.name == TRACES and not any(path.iterdir()))
        )
        if not begun:
            raise NotAResult(
                f"{folder} is no result: it has {path.name} and no {RUN}",
                "name a new folder with --out",
            )
