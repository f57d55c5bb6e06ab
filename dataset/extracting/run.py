"""``run``: many videos, one after the other, into one data set; a killed run is gone on with."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.extracting.one import Extracted, Ways, extract_one, ways_of
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.extracting.sources import video_id
from nitropilot.dataset.output.facts import UNKNOWN, Facts, facts_of
from nitropilot.dataset.output.prints import Seen
from nitropilot.dataset.output.published import set_aside
from nitropilot.dataset.output.result import HOUR, VideoResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from nitropilot.dataset.extracting.folder import SetFolder

log = logging.getLogger("nitropilot.dataset")
TRIES = 3
"""How often a video is begun before it is set aside: what ends the process has no other answer."""


class Run:
    """A data set being made.

    Args:
        folder: It, opened.
        options: How.
        ways: How controllers are found and read; None: by the templates that there are.

    Raises:
        BadWeights: A file of weights cannot be used.
    """

    def __init__(self, folder: SetFolder, options: Options, ways: Ways | None = None) -> None:
        self._folder = folder
        self._options = options
        self._ways = ways or ways_of(options)
        self._seen = Seen()
        self._hours: defaultdict[str, float] = defaultdict(float)
        for result in folder.results.values():
            self._count(result)

    def over(
        self,
        videos: Iterable[Path],
        root: Path,
        table: Mapping[str, Facts],
        tell: Callable[[VideoResult], None],
    ) -> list[VideoResult]:
        """Handle videos; those that are done already are not touched.

        Args:
            videos: Files.
            root: Their common folder.
            table: Facts about them, from ``facts.read_table``.
            tell: Is told what became of each.

        Raises:
            NotExtracted: There is no room; what is done stays.
        """
        found = []
        for job, known in self._jobs(videos, root, table):
            result = known or self._handle(job)
            tell(result)
            found.append(result)
        return found

    def _jobs(
        self, videos: Iterable[Path], root: Path, table: Mapping[str, Facts]
    ) -> Iterator[tuple[Job, VideoResult | None]]:
        folder = self._folder
        for video in videos:
            name = folder.named(video)
            if name:
                yield Job(str(video), name), folder.results[name]
                continue
            facts = facts_of(video, root, table)
            yield Job(str(video), video_id(video, root, folder.taken), facts), None

    def _handle(self, job: Job) -> VideoResult:
        try:
            result, samples = self._tried(job)
        except (KeyboardInterrupt, NotExtracted):
            self._folder.given_up(job.video_id)
            raise
        if not result.set_aside and (why := self._against(result)):
            set_aside(self._folder.ready(job.video_id), why)
            result = result.aside(why)
        self._folder.done(result, samples)
        self._count(result)
        return result

    def _tried(self, job: Job) -> Extracted:
        """A few tries; none is made of a video with which this process ended too often."""
        error = ""
        while self._folder.begun(job.video_id) < TRIES:
            try:
                return extract_one(job, self._options, self._folder.ready(job.video_id), self._ways)
            except NotExtracted:
                raise
            except Exception as raised:
                log.warning("%s could not be handled", job.source, exc_info=raised)
                error = f"{type(raised).__name__}: {raised}"
        why = (
            f"it could not be handled in {TRIES} tries ({error})"
            if error
            else f"the process ended {TRIES} times while it was handled"
        )
        nothing = VideoResult(
            job.source, job.video_id, facts=job.facts, set_aside=why, error=error or why
        )
        return Extracted(nothing, [])

    def _against(self, result: VideoResult) -> str:
        """Why a video is not kept beside those that are; "" where it is."""
        if not result.hours_out:
            return ""
        if copy := self._seen.like(result.hours_in * HOUR, result.fingerprint):
            return f"it is a near-duplicate of {copy}"
        creator, most = result.facts.creator, self._options.cap_hours
        if most is not None and creator != UNKNOWN and self._hours[creator] >= most:
            return f"{self._hours[creator]:.2f} hours of {creator} are kept, and {most:g} at most"
        return ""

    def _count(self, result: VideoResult) -> None:
        if result.hours_out:
            self._seen.add(result.video_id, result.hours_in * HOUR, result.fingerprint)
            self._hours[result.facts.creator] += result.hours_out
