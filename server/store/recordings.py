"""``RecordingStore``: the recordings of one folder: list, look up, open a file, delete.

Nothing that a client says is ever joined to a path: ids and names are compared with what is
there, and what is there and is a link does not count.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.agent.record.limits import GIB, Limits, size_of
from nitropilot.agent.record.mend import recover
from nitropilot.agent.record.switch import RecordingPlan
from nitropilot.records.errors import DamagedRecording
from nitropilot.records.format import FACTS, ID, PART
from nitropilot.records.reader import read_object
from nitropilot.server.errors import RecordingBusy, RecordingNotFound
from nitropilot.server.store.paths import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.server.store.settings import Settings

log = logging.getLogger("nitropilot.recording")


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
        complete: Whether it has ended; otherwise it is being made.
        facts: What its ``recording.json`` says.
    """

    id: str
    folder: Path
    complete: bool
    facts: dict[str, Any]

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
        return Path(named).expanduser() if named else data_folder() / "recordings"

    def limits(self) -> Limits:
        """How much room they may take."""
        wanted = self._settings().recording
        total = wanted.max_total_gb
        return Limits(int(wanted.keep_free_gb * GIB), None if total is None else int(total * GIB))

    def plan(self, at_once: bool) -> RecordingPlan:
        """How a session records."""
        return RecordingPlan(self.root, at_once, self.limits, self._settings().recording.max_width)

    def recover(self) -> list[str]:
        """Mend what a killed daemon left; their ids.  Never fails."""
        with self._mending:
            try:
                return recover(self.root)
            except OSError as error:
                log.error("recordings in %s could not be mended: %s", self.root, error)
                return []

    def all(self) -> list[Recording]:
        """Every recording, the oldest first."""
        self.recover()
        found = []
        for name in self._names():
            facts = self._facts(self.root / name)
            if facts is not None:
                complete = not name.endswith(PART)
                found.append(Recording(name.removesuffix(PART), self.root / name, complete, facts))
        return sorted(found, key=lambda recording: recording.id)

    def get(self, wanted: str) -> Recording:
        """One recording.

        Raises:
            RecordingNotFound: There is none of that id.
        """
        for recording in self.all():
            if recording.id == wanted:
                return recording
        raise RecordingNotFound(
            f"there is no recording {wanted[:80]!r}", "list them with GET /api/v1/recordings"
        )

    def file(self, wanted: str, name: str) -> RecordedFile:
        """One file of a complete recording.

        Raises:
            RecordingNotFound: There is none of that name.
            RecordingBusy: The recording is still being made.
        """
        recording = self._complete(wanted)
        for file in recording.files():
            if file.name == name:
                return file
        raise RecordingNotFound(
            f"the recording {wanted} has no file {name[:80]!r}",
            f"list its files with GET /api/v1/recordings/{wanted}",
        )

    def delete(self, wanted: str) -> None:
        """Remove a recording: at once from the list, then from the disk.

        Raises:
            RecordingNotFound: There is none of that id.
            RecordingBusy: It is still being made.
        """
        recording = self._complete(wanted)
        doomed = self.root / f".deleted-{secrets.token_hex(8)}"
        recording.folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def _complete(self, wanted: str) -> Recording:
        recording = self.get(wanted)
        if not recording.complete:
            raise RecordingBusy(
                f"the recording {wanted} is still being made", "stop it, or wait for its end"
            )
        return recording

    def _names(self) -> list[str]:
        """Folders that are recordings; remains of a deletion that was cut off are removed."""
        if not self.root.is_dir():
            return []
        names = []
        for entry in os.scandir(self.root):
            if not entry.is_dir(follow_symlinks=False):
                continue
            if ID.fullmatch(entry.name.removesuffix(PART)):
                names.append(entry.name)
            elif entry.name.startswith(".deleted-"):
                shutil.rmtree(entry.path, ignore_errors=True)
        return names

    def _facts(self, folder: Path) -> dict[str, Any] | None:
        try:
            return read_object(folder / FACTS)
        except DamagedRecording:
            return None
