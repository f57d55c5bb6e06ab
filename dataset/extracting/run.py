"""``Run``: many videos into one data set; a killed run is gone on with."""

from __future__ import annotations

from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.extracting.known import stamp
from nitropilot.dataset.extracting.one import Extracted
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.extracting.sources import video_id
from nitropilot.dataset.extracting.workers import Ended, Workers
from nitropilot.dataset.output.facts import UNKNOWN, Facts, facts_of
from nitropilot.dataset.output.prints import Seen
from nitropilot.dataset.output.published import set_aside
from nitropilot.dataset.output.result import HOUR, VideoResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from nitropilot.dataset.extracting.folder import SetFolder

TRIES = 3
"""How often a video is begun before it is set aside: what ends the process has no other answer."""
BEHIND = 1000
"""Videos that may be read while one before them is not, or so many for each that is read at once:
a recording of ten hours is read as long as a hundred of the usual."""
FOR_EACH = 64

Turn = tuple[Job, VideoResult | None]
"""A video, and what became of it where that is known."""


class Run:
    """A data set being made.

    Args:
        folder: It, opened.
        options: How.
        workers: Who extracts.
    """

    def __init__(self, folder: SetFolder, options: Options, workers: Workers) -> None:
        self._folder = folder
        self._options = options
        self._workers = workers
        self._asked: set[str] = set()
        self._errors: dict[str, str] = {}
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
            tell: Is told what became of each, in their order.

        Raises:
            NotExtracted: There is no room; what is done stays.
            RayUnavailable: Not all machines do the same; what is done stays.
        """
        jobs = self._jobs(videos, root, table)
        turns: deque[Turn] = deque()
        found: list[VideoResult] = []
        try:
            while self._ask(jobs, turns) or turns:
                while turns and (result := self._settled(*turns[0])) is not None:
                    turns.popleft()
                    tell(result)
                    found.append(result)
                if self._asked:
                    self._take(self._workers.ended())
        except (KeyboardInterrupt, NotExtracted, OSError):
            if self._workers.here:
                for name in self._asked:
                    self._folder.given_up(name)
            raise
        finally:
            self._workers.stop()
        return found

    def _jobs(
        self, videos: Iterable[Path], root: Path, table: Mapping[str, Facts]
    ) -> Iterator[Turn]:
        folder = self._folder
        for video in videos:
            name = folder.named(video)
            if name:
                yield Job(str(video), name), folder.results[name]
                continue
            name = video_id(video, root, folder.taken)
            folder.taken.add(name.lower())
            yield Job(str(video), name, facts_of(video, root, table)), None

    def _ask(self, jobs: Iterator[Turn], turns: deque[Turn]) -> bool:
        """Begin as many videos as there is room for; whether there are more."""
        most = self._workers.at_once
        while len(self._asked) < most and len(turns) < max(BEHIND, FOR_EACH * most):
            turn = next(jobs, None)
            if turn is None:
                return False
            turns.append(turn)
            job, known = turn
            if known is None and self._waits(job) is None:
                self._begin(job)
        return True

    def _begin(self, job: Job) -> None:
        """One more try; none of a video of which too many failed."""
        name, folder = job.video_id, self._folder
        if folder.tries(name) >= TRIES:
            folder.waiting.put(self._given_up(job), stamp(Path(job.source)))
            return
        if self._workers.here:
            folder.tried(name)
        self._asked.add(name)
        self._workers.begin(job, folder.ready(name))

    def _take(self, ended: Ended) -> None:
        job, extracted, error = ended
        name = job.video_id
        if extracted is not None:
            self._folder.waiting.put(extracted, stamp(Path(job.source)))
            self._asked.discard(name)
            return
        self._errors[name] = error
        self._asked.discard(name)
        self._again(job)

    def _again(self, job: Job) -> None:
        if not self._workers.here:
            self._folder.tried(job.video_id)
        self._begin(job)

    def _given_up(self, job: Job) -> Extracted:
        error = self._errors.pop(job.video_id, "")
        why = (
            f"it could not be handled in {TRIES} tries ({error})"
            if error
            else f"the process ended {TRIES} times while it was handled"
        )
        nothing = VideoResult(
            job.source, job.video_id, facts=job.facts, set_aside=why, error=error or why
        )
        return Extracted(nothing, [])

    def _waits(self, job: Job) -> Extracted | None:
        return self._folder.waiting.get(job, stamp(Path(job.source)))

    def _settled(self, job: Job, known: VideoResult | None) -> VideoResult | None:
        """What became of the video whose turn it is; None where it is not read yet."""
        if known is not None:
            return known
        if job.video_id in self._asked:
            return None
        if (read := self._waits(job)) is None:  # its file has changed meanwhile
            self._again(job)
            return None
        result, samples = read
        if not result.set_aside and (why := self._against(result)):
            set_aside(self._folder.ready(job.video_id), why)
            result = result.aside(why)
        self._folder.done(result, samples)
        self._count(result)
        return result

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
