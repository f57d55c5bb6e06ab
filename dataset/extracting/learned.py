"""Controllers of skins that no template knows: found and read by what was learned.

They are looked for where no known skin was found, and only if there are weights for both.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nitropilot.dataset.errors import ParserSettings
from nitropilot.dataset.extracting.one import Ways
from nitropilot.dataset.parsing.parse import parse
from nitropilot.dataset.pose import Box, Pose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.dataset.extracting.one import Located, Searched
    from nitropilot.dataset.parsing.parse import Eye
    from nitropilot.dataset.reading.reading import Reading
    from nitropilot.dataset.video.frames import Video

NAME, FAMILY = "unknown (learned)", "unknown"
USED = "used"


class Region(Protocol):
    """Where a controller may be: ``detecting.detect.Region``."""

    @property
    def box(self) -> Box:
        """In pixels of the video."""

    @property
    def score(self) -> float:
        """How surely, 0 to 1."""

    @property
    def first(self) -> int:
        """First frame in which it is there."""

    @property
    def last(self) -> int:
        """The first one after them."""


class Regions(Protocol):
    """What a detector has found: ``detecting.detect.Regions``."""

    @property
    def found(self) -> Sequence[Region]:
        """All of it."""

    @property
    def best_score(self) -> float:
        """Of the likeliest place, claimed or not."""


class Unknown(NamedTuple):
    """A skin of which only the size is known.

    Attributes:
        width: Of its canvas, which is the box that was found.
        height: The same.
    """

    width: int
    height: int
    name: str = NAME
    family: str = FAMILY


class Found(NamedTuple):
    """A controller of an unknown skin: see ``one.Located``.

    Attributes:
        box: Where it is, in pixels of the video.
        score: How surely, 0 to 1.
        first: The first frame in which it is there.
        last: The first one after them.
    """

    box: Box
    score: float
    first: int
    last: int

    @property
    def template(self) -> Unknown:
        """What is known of its look."""
        return Unknown(self.box.width, self.box.height)

    @property
    def pose(self) -> Pose:
        """Its canvas is the box."""
        return Pose(1.0, self.box.left, self.box.top)


class Looked(NamedTuple):
    """What both searches came to: see ``one.Searched``."""

    found: Sequence[Located]
    best_score: float
    xfeat: str


def with_learned(known: Ways, detector: str | None, parser: str | None) -> Ways:
    """The same ways, and learned ones where these find nothing, if there are weights.

    Args:
        known: By templates.
        detector: File of its weights.
        parser: File of its weights.

    Raises:
        ParserSettings: One is named alone, or needs a library that is not installed.
        BadWeights: A file cannot be used.
    """
    if detector is None and parser is None:
        return known
    if detector is None or parser is None:
        alone, other = ("--parser", "--detector") if parser else ("--detector", "--parser")
        raise ParserSettings(
            f"{alone} is named without {other}",
            "one finds controllers that no template knows, the other one reads them: name both",
        )
    from nitropilot.dataset.detecting.detect import detect
    from nitropilot.dataset.detecting.weights import load
    from nitropilot.dataset.parsing.files import load_parser

    eye, finds = load_parser(Path(parser)).parser, load(Path(detector))
    return also(known, lambda video: detect(video, finds), eye)


def also(known: Ways, detect: Callable[[Video], Regions], eye: Eye) -> Ways:
    """Ways that look for unknown skins where none that is known was found.

    Args:
        known: By templates.
        detect: Finds controllers of any look.
        eye: Reads them.
    """

    def locate(video: Video) -> Searched:
        search = known.locate(video)
        if search.found:
            return search
        regions = detect(video)
        found = [Found(each.box, each.score, each.first, each.last) for each in regions.found]
        return Looked(found, max(search.best_score, regions.best_score), search.xfeat)

    def read(video: Video, found: Any) -> Reading:
        if isinstance(found, Found):
            return parse(video, found, eye)
        return known.read(video, found)

    return Ways(locate, read, USED)
