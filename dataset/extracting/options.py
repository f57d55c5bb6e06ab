"""What is asked of a data set, and of one video of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nitropilot.dataset.output.facts import Facts


@dataclass(frozen=True)
class Options:
    """How a data set is made: all of it is the same for each of its videos.

    Attributes:
        hz: Rows a second; None: 30 or 60, as each video has it.
        active: Least share of active steps of a chunk that is kept.
        templates: The folder with templates of the user's own; None: the usual one.
        cap_hours: Most hours that are kept of one creator; None: any.
        xfeat: A file of XFeat's weights; None: those that kornia keeps, if it has any.
        detector: A file of weights that find controllers no template knows; None: they are not
            looked for.
        parser: A file of weights that read them; with ``detector``, or None.
    """

    hz: int | None = None
    active: float = 0.5
    templates: str | None = None
    cap_hours: float | None = None
    xfeat: str | None = None
    detector: str | None = None
    parser: str | None = None


class Job(NamedTuple):
    """A video to extract.

    Attributes:
        source: The file's path.
        video_id: Its name in the set.
        facts: What is known of it.
    """

    source: str
    video_id: str
    facts: Facts = Facts()
