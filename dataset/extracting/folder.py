"""``SetFolder``: a data set that grows video by video, and survives whoever writes it.

    OUT/SHARD_0000/<video_id>/...        labels of a video, complete
    OUT/videos/<video_id>.mp4            a link to the video itself, for who trains
    OUT/actions/SHARD_0000.tar.gz        archives, where they were asked for
    OUT/report.html, report.json
    OUT/.nitropilot/options.json         how it was made
    OUT/.nitropilot/known.json           which templates and weights there were
    OUT/.nitropilot/videos/<id>.json     what became of a video: written when all else is ready
    OUT/.nitropilot/samples/<id>.json    its strip for the report
    OUT/.nitropilot/tries/<id>           how often it was begun, while it is not done
    OUT/.nitropilot/ready/<id>/          labels that are being written, or wait for their shard
    OUT/.nitropilot/waiting/<id>.json    what became of a video that waits for those before it

A video is done once ``videos/<id>.json`` is there; a folder that then still waits is moved when the
set is opened the next time, and what waits for neither file is half done and goes.  A video without
a controller is looked at again once there are other templates or weights.
"""

from __future__ import annotations

import glob
import json
import logging
import shutil
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.extracting.known import digest_of, stamp
from nitropilot.dataset.extracting.linking import link
from nitropilot.dataset.extracting.options import check_made
from nitropilot.dataset.extracting.waiting import Waiting
from nitropilot.dataset.output.keeping import kept_from_others
from nitropilot.dataset.output.published import no_room
from nitropilot.dataset.output.result import VideoResult
from nitropilot.dataset.output.samples import Sample
from nitropilot.records.writer import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.dataset.extracting.options import Options

log = logging.getLogger("nitropilot.dataset")

OURS, MADE = ".nitropilot", "options.json"
PER_SHARD = 100
"""Videos of a shard."""


class SetFolder:
    """One data set, opened by one process.

    Args:
        out: Its folder.

    Attributes:
        results: What became of each video, by its id.
        taken: The ids that there are, in lower case: some file systems know no other.
        waiting: Videos that are read, and wait for those before them.
        again: How many had no controller, and are looked at again.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.results: dict[str, VideoResult] = {}
        self.taken: set[str] = set()
        self._sources: dict[str, str] = {}
        self._shards: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._stamps: dict[str, list[int]] = {}
        self.again = 0
        self.waiting = Waiting(self._own / "waiting", self._own / "ready")

    @contextmanager
    def opened(self, options: Options) -> Iterator[SetFolder]:
        """Take the folder, or make it.

        Raises:
            NotExtracted: It holds something else, was made otherwise, another process writes it, or
                it cannot be written.
        """
        try:
            self._claim(options)
            with kept_from_others(self._own / "lock", self.out):
                self._recover()
                self._forget_unfound(digest_of(options))
                yield self
        except OSError as error:
            raise no_room(self.out, error) from error

    @property
    def _own(self) -> Path:
        return self.out / OURS

    def ready(self, video_id: str) -> Path:
        """Where a video's labels are written."""
        return self._own / "ready" / video_id

    def marked(self, text: str) -> tuple[str, str]:
        """Write a mark into the set, by which another machine knows that it sees the same folder.

        Returns:
            The file's path, and what it holds.
        """
        path = self._own / "mark"
        path.write_text(text, "ascii")
        return str(path), text

    @property
    def shards(self) -> list[Path]:
        """The shards' folders."""
        return [self.out / name for name in sorted({*self._shards.values()})]

    def named(self, source: Path) -> str:
        """The id that a video has in this set; "" for one that is new, or is another file now."""
        found = self._sources.get(str(source), "")
        if found and self._stamps[found] != stamp(source):
            self._forget(found)
            return ""
        return found

    def tries(self, video_id: str) -> int:
        """How many there were, by this process or by others that ended in the middle."""
        path = self._own / "tries" / video_id
        return int(path.read_text("ascii") or 0) if path.exists() else 0

    def tried(self, video_id: str) -> None:
        """Count one more try."""
        (self._own / "tries" / video_id).write_text(str(self.tries(video_id) + 1), "ascii")

    def given_up(self, video_id: str) -> None:
        """Tries that were called off, and count for none."""
        (self._own / "tries" / video_id).unlink(missing_ok=True)

    def done(self, result: VideoResult, samples: list[Sample]) -> None:
        """Put a video's labels into a shard, and write down what became of it."""
        name, shard = result.video_id, ""
        if result.written:
            shard = self._shard()
            listed = {"samples": [each.plain() for each in samples]}
            write_json(self._own / "samples" / f"{name}.json", listed)
        source = Path(result.source)
        said = {"result": result.plain(), "shard": shard, "stamp": stamp(source)}
        write_json(self._own / "videos" / f"{name}.json", said)
        self._know(name, said)
        if shard:
            self._move(name, source)
        self._settle(name)

    def samples(self, video_id: str) -> list[Sample]:
        """The strip of a video."""
        path = self._own / "samples" / f"{video_id}.json"
        if not path.exists():
            return []
        return [Sample.of(each) for each in json.loads(path.read_text("utf-8"))["samples"]]

    def check(self, options: Options) -> None:
        """Whether the folder can be taken; nothing is made or changed.

        Raises:
            NotExtracted: It holds something else, or was made otherwise.
        """
        check_made(self.out, self._own / MADE, options)

    def _claim(self, options: Options) -> None:
        self.check(options)
        for name in ("videos", "samples", "tries", "ready"):
            (self._own / name).mkdir(parents=True, exist_ok=True)
        file = self._own / MADE
        if not file.is_file():
            write_json(file, options.plain())

    def _recover(self) -> None:
        """Finish what was done and not moved; drop what was half done."""
        for path in sorted((self._own / "videos").glob("*.json")):
            try:
                self._know(path.stem, json.loads(path.read_text("utf-8")))
            except (ValueError, KeyError, TypeError):
                log.warning("%s is damaged: its video is read again", path)
                path.unlink()
                for labels in self.out.glob(f"SHARD_*/{glob.escape(path.stem)}"):
                    shutil.rmtree(labels)
        for name, shard in list(self._shards.items()):
            if not shard or (self.out / shard / name).is_dir():
                continue
            if self.ready(name).is_dir():
                self._move(name, Path(self.results[name].source))
            else:
                self._forget(name)
        for name in self.results:
            self._settle(name)
        wait = self.waiting.names()
        for path in (self._own / "ready").iterdir():
            if path.name not in wait:
                shutil.rmtree(path, ignore_errors=True)

    def _forget_unfound(self, known: str) -> None:
        """Where other controllers are known than before, look again for those not found."""
        file = self._own / "known.json"
        with suppress(OSError, ValueError):
            if json.loads(file.read_text("utf-8")) == {"sha256": known}:
                return
        unfound = [name for name, each in self.results.items() if each.unfound]
        for name in unfound:
            self._forget(name)
        self.again = len(unfound) + self.waiting.drop_unfound()
        write_json(file, {"sha256": known})

    def _settle(self, name: str) -> None:
        """Nothing more is to be known of a video."""
        self.given_up(name)
        self.waiting.drop(name)

    def _know(self, name: str, said: dict[str, Any]) -> None:
        result = self.results[name] = VideoResult.of(said["result"])
        self._sources[result.source] = name
        self.taken.add(name.lower())
        self._stamps[name] = said["stamp"]
        if said["shard"]:
            self._shards[name] = said["shard"]
            self._counts[said["shard"]] += 1

    def _forget(self, name: str) -> None:
        shard = self._shards.pop(name, "")
        (self._own / "videos" / f"{name}.json").unlink(missing_ok=True)
        if shard:
            self._counts[shard] -= 1
            shutil.rmtree(self.out / shard / name, ignore_errors=True)
        self._sources.pop(self.results[name].source, None)
        self.taken.discard(name.lower())
        del self.results[name], self._stamps[name]

    def _shard(self) -> str:
        """The first shard that has room."""
        number = 0
        while self._counts[f"SHARD_{number:04d}"] >= PER_SHARD:
            number += 1
        return f"SHARD_{number:04d}"

    def _move(self, name: str, source: Path) -> None:
        final = self.out / self._shards[name] / name
        final.parent.mkdir(exist_ok=True)
        link(self.out / "videos", name, source)
        self.ready(name).rename(final)


def results_in(out: Path) -> list[VideoResult]:
    """What became of the videos of a set, which may be being written meanwhile.

    Raises:
        NotExtracted: It is none of this command.
    """
    folder = out / OURS / "videos"
    if not folder.is_dir():
        raise NotExtracted(
            f"{out} holds no data set of this command", "name the --out of `dataset extract`"
        )
    found = []
    for path in sorted(folder.glob("*.json")):
        with suppress(FileNotFoundError):  # its file has changed, and it is extracted anew
            found.append(VideoResult.of(json.loads(path.read_text("utf-8"))["result"]))
    return found
