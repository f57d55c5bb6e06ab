"""Which takes lie in the folders that a user names, and how each is read.

A take is one of our recordings, a video of the published set with its chunks, or an episode of a
LeRobot data set, and is named by the path of its folder, or by one below the data set's.  Nothing
is read until it is opened, so that one that is damaged can be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.records.format import FACTS, ID
from nitropilot.records.reader import read_facts
from nitropilot.training.errors import BadData
from nitropilot.training.formats.lerobot_reading import (
    episode_game,
    find_episodes,
    is_episode,
    is_lerobot,
    read_episode,
)
from nitropilot.training.formats.own import read_own
from nitropilot.training.formats.published import (
    find_published,
    published_game,
    read_published_take,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nitropilot.training.formats.take import Take


def find_takes(places: Iterable[Path]) -> list[Path]:
    """The names of all takes: each place is one, or holds them, or has ``recordings/``, or shards.

    Raises:
        BadData: A place is not there, or holds none, or one take is named twice.
    """
    found: list[Path] = []
    for place in places:
        if not place.is_dir():
            raise BadData(f"there is no folder {place}", "name one that holds recordings")
        inside = _inside(place)
        if not inside:
            raise BadData(
                f"{place} holds no recordings", "make some with `nitropilot record --out DIR`"
            )
        found += inside
    seen: set[Path] = set()
    for folder in found:
        if (real := folder.resolve()) in seen:
            raise BadData(f"{folder} is named twice", "name each recording once")
        seen.add(real)
    if not found:
        raise BadData("no data is named", "name folders with recordings with --data")
    return found


def open_take(name: Path) -> Take:
    """Read one of those that ``find_takes`` names.

    Raises:
        RecordsError: It cannot be read.
    """
    if is_episode(name):
        return read_episode(name)
    return read_own(name) if _own(name) else read_published_take(name)


def game_of(name: Path) -> str:
    """The game of a take, without reading its rows.

    Raises:
        RecordsError: It cannot be read.
    """
    if is_episode(name):
        return episode_game(name)
    return str(read_facts(name)["game"]) if _own(name) else published_game(name)


def _own(name: Path) -> bool:
    """Whether it is a recording of ours, be it one that lacks its facts."""
    return (name / FACTS).is_file() or ID.fullmatch(name.name) is not None


def _inside(place: Path) -> list[Path]:
    if (place / FACTS).is_file():
        return [place]
    layouts = {
        "a LeRobot data set": find_episodes(place) if is_lerobot(place) else [],
        "recordings": _held(place) or _held(place / "recordings"),
    }
    there = [what for what, found in layouts.items() if found]
    published = [each for each in find_published(place) if not _own(each)]
    if there and published:
        there.append("videos of the published set")
    if len(there) > 1:
        raise BadData(
            f"{place} holds {' and '.join(there)}",
            "name the folder of each, or keep one of them: none is left out unsaid",
        )
    return layouts[there[0]] if there else published


def _held(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if ID.fullmatch(path.name) and path.is_dir())
