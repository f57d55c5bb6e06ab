"""``there``: what a machine of a cluster does about one video.  Nothing here knows Ray.

Labels are written where the one that asks finds them, in a folder that all machines share; what
goes back is small and plain, so that errors of ours mean the same on both ends.
"""

from __future__ import annotations

import logging
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nitropilot.dataset.errors import DatasetError, NotExtracted
from nitropilot.dataset.extracting.known import digest_of, stamp
from nitropilot.dataset.extracting.one import Ways, extract_one, ways_of
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.extracting.workers import told
from nitropilot.dataset.output.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("nitropilot.dataset")

MATTER = ("numpy", "opencv-python", "opencv-python-headless", "av", "pyarrow", "torch")
"""Packages whose versions may change what is read, or how it is written."""


@dataclass(frozen=True)
class Asked:
    """One video, for another machine.

    Attributes:
        job: Which.
        options: Of the data set.
        place: Where its labels are written: a folder that is not there.
        mark: A file of the data set, and what it holds: whoever reads another there has another
            folder of that name.
        stamp: Of the video, from ``known.stamp``.
        own: What the templates and weights are, from ``known.digest_of``.
    """

    job: Job
    options: Options
    place: str
    mark: tuple[str, str]
    stamp: list[int]
    own: str

    def plain(self) -> dict[str, Any]:
        """For the way there, as values that need nothing of ours to be opened."""
        job, facts = self.job, asdict(self.job.facts)
        return {
            "job": [job.source, job.video_id, facts], "options": asdict(self.options),
            "place": self.place, "mark": list(self.mark), "stamp": self.stamp, "own": self.own,
        }  # fmt: skip

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """What ``plain`` was made of."""
        source, name, facts = plain["job"]
        path, text = plain["mark"]
        return cls(
            Job(source, name, Facts(**facts)), Options(**plain["options"]), plain["place"],
            (path, text), plain["stamp"], plain["own"],
        )  # fmt: skip


def handle(asked: Asked, ways: Ways | None = None) -> dict[str, Any]:
    """Extract a video here.

    Args:
        asked: Which, and how.
        ways: How controllers are found and read; None: as the options say.

    Returns:
        ``{"result", "samples"}``; ``{"error"}`` of a try that failed; ``{"full": {message, hint}}``
        where there is no room for labels; ``{"wrong": {message, hint}}`` where this machine is not
        as the one that asks.
    """
    if wrong := _unlike(asked):
        return {"wrong": {"message": wrong[0], "hint": wrong[1]}}
    _one_thread()
    try:
        ways = ways or ways_of(asked.options)
    except DatasetError as error:
        return {"wrong": {"message": f"cannot read: {error}", "hint": error.hint}}
    try:
        result, samples = extract_one(asked.job, asked.options, Path(asked.place), ways)
    except NotExtracted as error:
        return {"full": {"message": str(error), "hint": error.hint}}
    except Exception as raised:
        log.debug("all of it:", exc_info=raised)
        return {"error": told(asked.job.source, raised)}
    return {"result": result.plain(), "samples": [each.plain() for each in samples]}


def versions() -> dict[str, str]:
    """Of Python, and of the packages here that matter."""
    found = {"python": platform.python_version()}
    for package in MATTER:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _unlike(asked: Asked) -> tuple[str, str] | None:
    """What is not here as it is where the video was asked for, and what to do about it."""
    path, said = Path(asked.mark[0]), asked.mark[1]
    with suppress(OSError):
        if path.read_text("ascii") == said:
            source = Path(asked.job.source)
            if stamp(source)[:1] != asked.stamp[:1]:
                return f"does not see {source} as this machine does", _SHARE
            if digest_of(asked.options) != asked.own:
                return "has other templates or weights", "copy the same to all machines"
            return None
    return f"does not see {path.parent.parent}", _SHARE


_SHARE = "videos and data set must lie in folders that all machines have under the same name"


def _one_thread() -> None:
    """As many videos as cores are read at once: more threads would stand in each other's way."""
    import cv2

    cv2.setNumThreads(1)
    with suppress(ImportError):
        import torch

        torch.set_num_threads(1)
