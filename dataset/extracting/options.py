"""What is asked of a data set, and of one video of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.output.facts import Facts

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


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

    def plain(self) -> dict[str, Any]:
        """For a file."""
        return {"format": FORMAT, **asdict(self)}


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


def check_made(out: Path, file: Path, options: Options) -> None:
    """Whether a folder is a data set that was made so, or can become one.

    Args:
        out: The folder.
        file: Where such a set has what ``Options.plain`` gave.
        options: What is asked now.

    Raises:
        NotExtracted: It holds something else, or was made otherwise.
    """
    if file.is_file():
        try:
            said = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise NotExtracted(f"{file} cannot be read: {error}", "name another folder") from error
        _check_same(out, said, options.plain())
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise NotExtracted(
            f"{out} holds something else than a data set of this command",
            "name a folder that is empty or not there",
        )


def _check_same(out: Path, said: dict[str, Any], wanted: dict[str, Any]) -> None:
    if said.get("format") != FORMAT:
        raise NotExtracted(
            f"{out} was made by another version (format {said.get('format')!r})",
            "name another folder",
        )
    other = [f"{name} {said.get(name)!r} and not {value!r}"
             for name, value in wanted.items() if said.get(name) != value]  # fmt: skip
    if other:
        raise NotExtracted(
            f"{out} holds a data set that was made with {', '.join(other)}",
            "give the same options, or name another folder",
        )
