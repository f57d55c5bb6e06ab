"""``Waiting``: videos that are read, and not in the set yet, which grows in their order.

What is a near-duplicate, and what is over a creator's hours, depends on the videos before; so that
several workers make the set that one makes, a video waits for those before it.  It waits on the
disk: a killed run has lost none of them, and thousands behind a slow one fill no memory.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.extracting.one import Extracted
from nitropilot.dataset.output.result import VideoResult
from nitropilot.dataset.output.samples import Sample
from nitropilot.records.writer import write_json

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.dataset.extracting.options import Job


class Waiting:
    """Those of one data set.

    Args:
        folder: Where it is written down; made if it is not there.
        ready: Where the labels of those that wait lie, each in a folder of its id.
    """

    def __init__(self, folder: Path, ready: Path) -> None:
        self._folder, self._ready = folder, ready

    def put(self, extracted: Extracted, stamp: list[int]) -> None:
        """A video that is read from now on waits.

        Args:
            extracted: What came of it.
            stamp: Of its file, from ``known.stamp``.
        """
        self._folder.mkdir(exist_ok=True)
        result, samples = extracted
        said = {
            "result": result.plain(),
            "samples": [each.plain() for each in samples],
            "stamp": stamp,
        }
        write_json(self._file(result.video_id), said)

    def get(self, job: Job, stamp: list[int]) -> Extracted | None:
        """What came of a video that waits; None where none does, or its file is another now."""
        with suppress(OSError, ValueError):
            said: dict[str, Any] = json.loads(self._file(job.video_id).read_text("utf-8"))
            result = VideoResult.of(said["result"])
            there = not result.written or (self._ready / job.video_id).is_dir()
            if there and (result.source, said["stamp"]) == (job.source, stamp):
                return Extracted(result, [Sample.of(each) for each in said["samples"]])
        return None

    def drop(self, video_id: str) -> None:
        """A video that is done."""
        self._file(video_id).unlink(missing_ok=True)

    def drop_unfound(self) -> int:
        """Those without a controller; how many there were."""
        count = 0
        for path in self._folder.glob("*.json"):
            with suppress(OSError, ValueError):
                if VideoResult.of(json.loads(path.read_text("utf-8"))["result"]).unfound:
                    path.unlink()
                    count += 1
        return count

    def names(self) -> set[str]:
        """Of all that wait."""
        return {path.stem for path in self._folder.glob("*.json")}

    def _file(self, video_id: str) -> Path:
        return self._folder / f"{video_id}.json"
