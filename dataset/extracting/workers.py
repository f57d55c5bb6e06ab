"""``Workers``: who extracts videos.  ``Here`` is this process, one video at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.extracting.one import Extracted, Ways, extract_one, ways_of
from nitropilot.dataset.extracting.options import Job, Options

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("nitropilot.dataset")


def told(source: str, raised: Exception) -> str:
    """What went wrong with a video where nobody expected it, in a line."""
    error = f"{type(raised).__name__}: {raised}"
    log.warning("%s could not be handled: %s", source, error)
    return error


class Ended(NamedTuple):
    """A try at a video is over.

    Attributes:
        job: Which.
        extracted: What came of it, with its labels in their place; None where the try failed.
        error: What went wrong; "" where the process that did it is gone.
    """

    job: Job
    extracted: Extracted | None
    error: str = ""


class Workers(Protocol):
    """Who extracts videos, asked by one thread."""

    @property
    def here(self) -> bool:
        """Whether it is this process, so that a video which ends it leaves nobody to say so."""

    @property
    def at_once(self) -> int:
        """How many videos may be begun and not ended: more would only wait."""

    def begin(self, job: Job, place: Path) -> None:
        """Begin a video.

        Args:
            job: Which.
            place: Where its labels are wanted.
        """

    def ended(self) -> Ended:
        """Wait until one of those that were begun is over.

        Raises:
            NotExtracted: There is no room for labels.
            RayUnavailable: A machine cannot do what this one does, or none is left.
        """

    def stop(self) -> None:
        """End what was begun."""


class Here:
    """This process.

    Args:
        options: Of the data set.
        ways: How controllers are found and read; None: as the options say.

    Raises:
        BadWeights: The file of XFeat's weights cannot be used.
    """

    here = True
    at_once = 1

    def __init__(self, options: Options, ways: Ways | None = None) -> None:
        self._options = options
        self._ways = ways or ways_of(options)
        self._begun: list[tuple[Job, Path]] = []

    def begin(self, job: Job, place: Path) -> None:
        """See ``Workers``."""
        self._begun.append((job, place))

    def ended(self) -> Ended:
        """See ``Workers``."""
        job, place = self._begun.pop()
        try:
            return Ended(job, extract_one(job, self._options, place, self._ways))
        except NotExtracted:
            raise
        except Exception as raised:
            log.debug("all of it:", exc_info=raised)
            return Ended(job, None, told(job.source, raised))

    def stop(self) -> None:
        """See ``Workers``."""
        self._begun.clear()
