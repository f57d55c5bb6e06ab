"""``MadeFolder``: a set of our own that grows level by level, and survives whoever makes it.

    SET/SHARD_0000/<video_id>/...         labels of a video, complete
    SET/videos/<video_id>.mp4             the video
    SET/videos/<video_id>.info.json       what is known of it
    OUT/.nitropilot/made.json             how the set is made
    OUT/.nitropilot/levels/000007.json    what became of a level: written when all else is ready
    OUT/.nitropilot/ready/                what is being made

``SET`` is ``OUT``, or a folder in it where other layouts lie beside.  A level is done once its file
is there; what was half made is made again, and is the same then.
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.output.keeping import kept_from_others
from nitropilot.dataset.output.published import no_room, write_labels
from nitropilot.records.writer import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.dataset.output.published import Labels

FORMAT = 1
OURS = ".nitropilot"
PER_SHARD = 100
"""Videos of a shard."""


@dataclass(frozen=True)
class MadeLevel:
    """What became of a level.

    Attributes:
        video_id: Of its video; "" where it was lost, and nothing of it is kept.
        game: Which was played.
        rows: Of its labels.
        foreign: How many of them somebody else pressed.
        skin: Of the controller.
    """

    video_id: str
    game: str
    rows: int = 0
    foreign: int = 0
    skin: str = ""


class MadeFolder:
    """One set, made by one process.

    Args:
        out: The folder that the user named.
        place: Where labels and videos lie: ``out``, or a folder in it.

    Attributes:
        levels: What became of each, by number from 0 on.
    """

    def __init__(self, out: Path, place: Path) -> None:
        self.out, self.place = out, place
        self.levels: list[MadeLevel] = []

    @property
    def own(self) -> Path:
        """What is no part of the set."""
        return self.out / OURS

    @contextmanager
    def opened(self, options: dict[str, Any]) -> Iterator[MadeFolder]:
        """Take the folder, or make it.

        Args:
            options: How the set is made, in plain values.

        Raises:
            NotExtracted: It holds something else, was made otherwise, another process writes it, or
                it cannot be written.
        """
        try:
            self._claim({"format": FORMAT, **options})
            with kept_from_others(self.own / "lock", self.out):
                shutil.rmtree(self.own / "ready", ignore_errors=True)
                (self.own / "ready").mkdir()
                self._recall()
                yield self
        except OSError as error:
            raise no_room(self.out, error) from error

    @property
    def ready(self) -> Path:
        """Where the next level's video is made."""
        return self.own / "ready" / "level.mp4"

    def keep(self, level: MadeLevel, labels: Labels, sidecar: dict[str, str]) -> None:
        """Take the level that is ready into the set.

        Raises:
            NotExtracted: There is no room.
        """
        name, videos = level.video_id, self.place / "videos"
        shard = self.place / f"SHARD_{sum(bool(e.video_id) for e in self.levels) // PER_SHARD:04d}"
        made = self.own / "ready" / name
        write_labels(made, labels)
        for folder in (videos, shard):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(shard / name, ignore_errors=True)
        self.ready.replace(videos / f"{name}.mp4")
        write_json(videos / f"{name}.info.json", sidecar)
        made.rename(shard / name)
        self.done(level)

    def done(self, level: MadeLevel) -> None:
        """Write down what became of the next level."""
        path = self.own / "levels" / f"{len(self.levels):06d}.json"
        write_json(path, asdict(level))
        self.levels.append(level)

    def rows(self, game: str | None = None) -> int:
        """Rows of a game, or of all."""
        return sum(level.rows for level in self.levels if game in (None, level.game))

    def _claim(self, options: dict[str, Any]) -> None:
        file = self.own / "made.json"
        if file.is_file():
            said = json.loads(file.read_text("utf-8"))
            other = [f"{name} {said.get(name)!r} and not {value!r}"
                     for name, value in options.items() if said.get(name) != value]  # fmt: skip
            if other:
                raise NotExtracted(
                    f"{self.out} holds a data set that was made with {', '.join(other)}",
                    "give the same options, or name another folder",
                )
            return
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise NotExtracted(
                f"{self.out} holds something else than a data set of this command",
                "name a folder that is empty or not there",
            )
        (self.own / "levels").mkdir(parents=True)
        write_json(file, options)

    def _recall(self) -> None:
        """Levels that are done; from the first that is not, all are made anew."""
        self.levels = []
        while (path := self.own / "levels" / f"{len(self.levels):06d}.json").is_file():
            self.levels.append(MadeLevel(**json.loads(path.read_text("utf-8"))))
