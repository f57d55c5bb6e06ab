"""``extract_one``: one video, from its file to its labels on disk.

It takes plain values and gives one back, so that it can be called in another process, or on another
machine that sees the same folders.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from nitropilot.dataset.errors import DatasetError, NotExtracted
from nitropilot.dataset.extracting.joining import joined
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.output.filtering import Reason, filtered
from nitropilot.dataset.output.gate import figures_of, refused
from nitropilot.dataset.output.prints import fingerprint
from nitropilot.dataset.output.published import Labels, Piece, chunk_rows, sides, write_labels
from nitropilot.dataset.output.result import HOUR, Overlay, VideoResult
from nitropilot.dataset.output.samples import Sample, places, sample
from nitropilot.dataset.output.timing import rate_for, rows_of
from nitropilot.dataset.output.watching import Watched
from nitropilot.dataset.video.frames import open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.dataset.output.timing import Rows
    from nitropilot.dataset.pose import Box, Pose
    from nitropilot.dataset.reading.reading import Reading
    from nitropilot.dataset.video.frames import Video

log = logging.getLogger("nitropilot.dataset")


class Skin(Protocol):
    """How a controller looks: ``templates.template.Template``, or ``learned.Unknown``."""

    @property
    def name(self) -> str:
        """Its own."""

    @property
    def family(self) -> str:
        """Whose controller it is."""

    @property
    def width(self) -> int:
        """Of its canvas."""

    @property
    def height(self) -> int:
        """The same."""


class Located(Protocol):
    """A controller that was found, to be read: ``locating.locate.Found``, ``learned.Found``."""

    @property
    def template(self) -> Skin:
        """How it looks."""

    @property
    def pose(self) -> Pose:
        """About where it is."""

    @property
    def first(self) -> int:
        """First frame in which it is there."""

    @property
    def last(self) -> int:
        """The first one after them."""

    @property
    def score(self) -> float:
        """How well it was found."""


class Searched(Protocol):
    """What a search came to: ``locating.locate.Search``."""

    @property
    def found(self) -> Sequence[Located]:
        """All controllers."""

    @property
    def best_score(self) -> float:
        """Of what is the likest."""

    @property
    def xfeat(self) -> str:
        """Whether XFeat took part."""


class Ways(NamedTuple):
    """How a controller is found and read.

    Attributes:
        locate: Finds it.
        read: Reads what ``locate`` has found.
        learned: Whether skins that no template knows are found and read too: ``used``, or
            ``unavailable (why)``.
    """

    locate: Callable[[Video], Searched]
    read: Callable[[Video, Any], Reading]
    learned: str = "unavailable (no weights: name --detector and --parser)"


class Extracted(NamedTuple):
    """What is known of a video, and what of it is for a report."""

    result: VideoResult
    samples: list[Sample]


@dataclass(frozen=True, eq=False)
class _Read:
    """One controller and what was read of it."""

    found: Located
    reading: Reading
    box: Box
    damage: str


def extract_one(job: Job, options: Options, folder: Path, ways: Ways | None = None) -> Extracted:
    """Find the controller in a video, read it, and write what it did.

    Args:
        job: The video.
        options: Those of its data set.
        folder: Where its labels are written, if it has any: a place where no reader looks.
        ways: How controllers are found and read; None: by the templates that there are.

    Raises:
        NotExtracted: There is no room, or no way to write there.
    """
    nothing = VideoResult(job.source, job.video_id, facts=job.facts)
    try:
        ways = ways or ways_of(options)
        video = Watched.of(open_video(Path(job.source)))
        lost = {Reason.SET_ASIDE.value: round(video.seconds, 3)}
        nothing = replace(nothing, hours_in=video.seconds / HOUR, dropped=lost)
        return _extract(nothing, video, options, folder, ways)
    except NotExtracted:
        raise
    except DatasetError as error:
        return Extracted(replace(nothing, set_aside=error.line()), [])


def ways_of(options: Options) -> Ways:
    """How controllers are found and read in a data set; see ``known_ways``."""
    return known_ways(options.templates, options.xfeat, options.detector, options.parser)


@cache
def known_ways(
    templates: str | None, xfeat: str | None = None, detector: str | None = None,
    parser: str | None = None,
) -> Ways:  # fmt: skip
    """How controllers are found and read: by the templates that come along and the user's own, and
    where these find none, by what was learned, if there are weights.

    Args:
        templates: The folder of the user's own; None: the usual one.
        xfeat: As in ``Options``.
        detector: The same.
        parser: The same.

    Raises:
        BadWeights: A file cannot be used.
        ParserSettings: Of detector and parser one is named alone.
    """
    from nitropilot.dataset.extracting.learned import with_learned
    from nitropilot.dataset.locating.locate import locator
    from nitropilot.dataset.reading.read import read
    from nitropilot.dataset.templates.library import library

    known = library(None if templates is None else Path(templates))
    found = locator(known, None if xfeat is None else Path(xfeat))
    for name, why in known.broken.items():
        log.warning("the template %s is left out: %s", name, why)
    return with_learned(Ways(found.search, read), detector, parser)


def _extract(
    nothing: VideoResult, video: Watched, options: Options, folder: Path, ways: Ways
) -> Extracted:
    search = ways.locate(video)
    nothing = replace(nothing, xfeat=search.xfeat, learned=ways.learned)
    if not search.found:
        seconds = {Reason.NO_OVERLAY.value: round(video.seconds, 3)}
        best = Overlay(score=round(float(search.best_score), 4))
        return Extracted(replace(nothing, overlay=best, dropped=seconds), [])
    read = [_read(video, found, ways) for found in search.found]
    broken = next((each.damage for each in read if each.damage), "")
    damage = broken or video.cut
    parts = [(each.reading, _piece(each, read, video)) for each in read]
    frames, pieces = joined(video.times, parts, whole=not broken)
    rows = rows_of(frames, rate_for(video.rate, options.hz))
    chunks = rows.chunks(chunk_rows(rows.hz))
    scene = video.scene()
    judged = filtered(rows, chunks, scene, options.active)
    figures = figures_of(rows)
    aside = refused(figures)
    labels = Labels(nothing.video_id, nothing.facts, rows, chunks, judged, pieces, aside, damage)
    write_labels(folder, labels)
    kept = int((judged.why == "").sum())
    longest = max(read, key=lambda each: len(each.reading.numbers))
    dropped = judged.seconds(rows.hz)
    if (gap := round(nothing.hours_in * HOUR - len(rows) / rows.hz, 3)) > 1 / rows.hz:
        dropped[(Reason.DAMAGED if damage else Reason.GAP).value] = gap
    result = replace(
        nothing,
        overlay=Overlay(True, longest.found.template.name, round(float(longest.found.score), 4),
                        sides(longest.box)),
        hours_out=kept / rows.hz / HOUR,
        dropped=dropped,
        damage=damage,
        hz=rows.hz,
        chunks=(len(chunks), sum(judged.kept)),
        figures=figures,
        fingerprint=fingerprint(scene, rows),
    )  # fmt: skip
    return Extracted(result.aside(aside) if aside else result, _samples(video, rows))


def _read(video: Watched, found: Located, ways: Ways) -> _Read:
    """Read one controller; what the pictures do meanwhile is watched."""
    box = found.pose.box(found.template.width, found.template.height)
    video.watching = True
    video.crop = box
    video.crops |= dict.fromkeys(places(found.first, found.last))
    try:
        return _Read(found, ways.read(video, found), box, video.damage)
    finally:
        video.watching = False


def _piece(one: _Read, among: Sequence[_Read], video: Watched) -> Piece:
    found = one.found
    others = [each.box for each in among if each is not one
              and each.found.first < found.last and found.first < each.found.last]  # fmt: skip
    return Piece(
        found.template.name,
        found.template.family,
        float(found.score),
        float(one.reading.opacity),
        one.box,
        video.size_at(found.first),
        one.reading.outputs,
        tuple(dict.fromkeys(others)),
    )


def _samples(video: Watched, rows: Rows) -> list[Sample]:
    made = []
    for number, crop in sorted(video.crops.items()):
        at = min(int(np.searchsorted(rows.frame, number)), len(rows) - 1)
        if crop is not None and crop.size and rows.read[at]:
            made.append(sample(float(video.times[number]), rows.states.moment(at), crop))
    return made
