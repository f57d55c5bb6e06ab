"""``RecordingStore``: the recordings of one folder: list, look up, open a file, delete, mend.

Who reads changes nothing: only ``delete`` and ``recover`` do.  An id has one form, a name is made
of plain parts, and what is there and is a link does not count: nothing else leads to a file.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.agent.record.limits import GIB, Limits, size_of
from nitropilot.agent.record.mend import is_written, recover
from nitropilot.agent.record.switch import RecordingPlan
from nitropilot.places import spelled
from nitropilot.records.errors import RecordsError
from nitropilot.records.format import ID, PART
from nitropilot.records.reader import read_facts
from nitropilot.server.errors import RecordingBusy, RecordingNotFound
from nitropilot.server.store.paths import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.server.store.settings import Settings

log = logging.getLogger("nitropilot.recording")

DELETED = re.compile(r"\.deleted-[0-9a-f]{16}")
"""What is being removed."""
STEERS = frozenset("\\:\0")
"""In a name these lead elsewhere on some system."""


@dataclass(frozen=True)
class RecordedFile:
    """A file of a recording.

    Attributes:
        name: Its path inside the recording, with slashes.
        path: Where it is.
        size: Bytes.
    """

    name: str
    path: Path
    size: int


@dataclass(frozen=True)
class Recording:
    """A recording as it lies on the disk.

    Attributes:
        id: Its name.
        folder: Where it is.
        complete: Whether it has ended; otherwise it is being made, or was cut off.
        facts: What its ``recording.json`` says; nothing, if that is damaged.
        damage: What is wrong with its facts; or "".
    """

    id: str
    folder: Path
    complete: bool
    facts: dict[str, Any]
    damage: str = ""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return size_of(self.folder)

    def files(self) -> list[RecordedFile]:
        """Its files, by name; links and what they lead to are left out."""
        found = []
        for place, folders, names in os.walk(self.folder, followlinks=False):
            folders[:] = sorted(n for n in folders if not (Path(place) / n).is_symlink())
            for name in sorted(names):
                path = Path(place) / name
                if path.is_file() and not path.is_symlink():
                    inside = path.relative_to(self.folder).as_posix()
                    found.append(RecordedFile(inside, path, path.stat().st_size))
        return found


class RecordingStore:
    """Finds the recordings.  Thread-safe.

    Args:
        settings: Asked for the folder and the limits each time.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._mending = threading.Lock()

    @property
    def root(self) -> Path:
        """The folder of all recordings."""
        named = self._settings().recording.folder
        return spelled(named) if named else data_folder() / "recordings"

    def limits(self) -> Limits:
        """How much room they may take."""
        wanted = self._settings().recording
        total = wanted.max_total_gb
        return Limits(int(wanted.keep_free_gb * GIB), None if total is None else int(total * GIB))

    def plan(self, at_once: bool) -> RecordingPlan:
        """How a session records."""
        return RecordingPlan(self.root, at_once, self.limits, self._settings().recording.max_width)

    def recover(self, tell: Callable[[str], None] = log.error) -> list[str]:
        """Mend what a killed program left, and finish deletions that were cut off.  Never fails.

        Args:
            tell: Is told of each that could not be mended.

        Returns:
            The ids of those that are complete now.
        """
        with self._mending:
            try:
                for name in self._folders():
                    if DELETED.fullmatch(name):
                        shutil.rmtree(self.root / name, ignore_errors=True)
                return recover(self.root, tell)
            except OSError as error:
                tell(f"recordings in {self.root} could not be mended: {error}")
                return []

    def all(self) -> list[Recording]:
        """Every recording, the oldest first."""
        looked = (self._look(name) for name in self._folders())
        return sorted(filter(None, looked), key=lambda recording: recording.id)

    def get(self, wanted: str) -> Recording:
        """One recording.

        Raises:
            RecordingNotFound: There is none of that id.
        """
        if ID.fullmatch(wanted):
            for name in (wanted, f"{wanted}{PART}"):
                if (recording := self._look(name)) is not None:
                    return recording
        raise RecordingNotFound(
            f"there is no recording {wanted[:80]!r} in {self.root}",
            "`nitropilot recordings list` shows them, as does GET /api/v1/recordings",
        )

    def file(self, wanted: str, name: str) -> RecordedFile:
        """One file of a complete recording.

        Raises:
            RecordingNotFound: There is none of that name.
            RecordingBusy: The recording is still being made.
        """
        path = self._complete(wanted).folder
        for part in name.split("/"):
            path = path / part
            if not _is_plain(part) or path.is_symlink():
                break
        else:
            if path.is_file():
                return RecordedFile(name, path, path.stat().st_size)
        raise RecordingNotFound(
            f"the recording {wanted} has no file {name[:80]!r}",
            f"list its files with GET /api/v1/recordings/{wanted}",
        )

    def delete(self, wanted: str) -> None:
        """Remove a recording: at once from the list, then from the disk.

        One that was cut off, and that nobody writes any more, may go too.

        Raises:
            RecordingNotFound: There is none of that id.
            RecordingBusy: It is still being made.
        """
        with self._mending:
            self._remove(self.get(wanted))

    def _remove(self, recording: Recording) -> None:
        if not recording.complete and is_written(recording.folder):
            raise _busy(recording.id)
        doomed = self.root / f".deleted-{secrets.token_hex(8)}"
        recording.folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def _complete(self, wanted: str) -> Recording:
        recording = self.get(wanted)
        if not recording.complete:
            raise (
                _busy(wanted)
                if is_written(recording.folder)
                else RecordingBusy(
                    f"the recording {wanted} was cut off",
                    "`nitropilot recordings mend` makes it whole",
                )
            )
        return recording

    def _folders(self) -> list[str]:
        """Names of all folders that are there, of whatever."""
        if not self.root.is_dir():
            return []
        with os.scandir(self.root) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]

    def _look(self, name: str) -> Recording | None:
        """The recording in a folder; None if it holds none."""
        recording, folder = name.removesuffix(PART), self.root / name
        if not ID.fullmatch(recording) or folder.is_symlink() or not folder.is_dir():
            return None
        complete = name == recording
        try:
            return Recording(recording, folder, complete, read_facts(folder))
        except RecordsError as error:
            return Recording(recording, folder, complete, {}, str(error))


def _busy(wanted: str) -> RecordingBusy:
    return RecordingBusy(
        f"the recording {wanted} is still being made", "stop it, or wait for its end"
    )


def _is_plain(part: str) -> bool:
    """Whether a part of a name means something in its folder, on every system."""
    return part not in ("", ".", "..") and len(part) < 256 and not STEERS & set(part)
