"""A work list from what is known of videos alone: none is opened, and none needs to be there.

Sidecars (``NAME.info.json`` of yt-dlp) and CSVs (``output.facts``) say how long videos are and
whose they are.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.dataset.errors import BadPlan
from nitropilot.dataset.extracting.sources import ENDINGS
from nitropilot.dataset.output.facts import (
    COLUMNS,
    SIDECAR,
    UNKNOWN,
    Facts,
    facts_in,
    facts_of_sidecar,
    read_rows,
    read_sidecar,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NOTHING_KNOWN = Facts()
DURATION = "duration"
"""The column, and yt-dlp's key, with a video's seconds."""
GROUPS = ("game", "genre", "creator", "licence", "source")
"""What hours are counted by."""


@dataclass(frozen=True)
class Planned:
    """A video that may be extracted.

    Attributes:
        path: Where it is, or will be.
        seconds: Its length; None where nothing says it.
        facts: What is known of it.
    """

    path: Path
    seconds: float | None = None
    facts: Facts = NOTHING_KNOWN

    @property
    def hours(self) -> float:
        """Its length, 0 where it is not known."""
        return (self.seconds or 0.0) / 3600


class Order(StrEnum):
    """Which videos come first."""

    SPREAD = "spread"
    """One of each creator in turn, so that a run that is ended has some of all."""
    LONG = "long"
    """The longest, so that no machine is left with one at the end."""
    NAME = "name"
    """By path, as ``dataset extract`` of folders does."""


class Plan(NamedTuple):
    """What to extract.

    Attributes:
        videos: In order.
        over: Those that are over a creator's hours.
    """

    videos: list[Planned]
    over: list[Planned]


def known_videos(places: Iterable[Path]) -> list[Planned]:
    """All videos that sidecars and CSVs speak of.

    Args:
        places: Folders, at any depth with sidecars or videos; sidecars; CSVs, whose videos are
            named from their folder or from the root, and which count more than sidecars.

    Raises:
        BadPlan: A place is not there, or speaks of no video.
        BadFacts: A CSV cannot be read.
    """
    found: dict[Path, Planned] = {}
    said: list[Planned] = []
    for place in places:
        if not place.exists():
            raise BadPlan(f"there is no {place}", "name folders with sidecars, or CSVs")
        if place.is_dir():
            its = list(_in_folder(place))
            found |= {each.path: each for each in its}
        elif place.name.endswith(SIDECAR):
            its = [_of_sidecar(place, {each.name for each in place.parent.iterdir()})]
            found |= {its[0].path: its[0]}
        else:
            its = list(_in_table(place))
            said += its
        if not its:
            raise BadPlan(
                f"{place} speaks of no video",
                f"a folder needs files NAME{SIDECAR}, as yt-dlp --write-info-json writes them",
            )
    for each in said:
        before = found.get(each.path, each)
        facts = Facts(**{**asdict(before.facts), **each.facts.known()})
        seconds = before.seconds if each.seconds is None else each.seconds
        found[each.path] = Planned(each.path, seconds, facts)
    return [found[path] for path in sorted(found)]


def plan_of(videos: Sequence[Planned], order: Order, cap_hours: float | None = None) -> Plan:
    """Put videos in order, and leave out what is over a creator's hours.

    A creator who is not known is many, and has no limit; a video whose length is not known counts
    for nothing.

    Args:
        videos: From ``known_videos``.
        order: Which first.
        cap_hours: Most hours of one creator; the video with which they are full is in.
    """
    hours: defaultdict[str, float] = defaultdict(float)
    kept, over = [], []
    for each in _ordered(videos, order):
        creator = each.facts.creator
        if cap_hours is not None and creator != UNKNOWN and hours[creator] >= cap_hours:
            over.append(each)
            continue
        hours[creator] += each.hours
        kept.append(each)
    return Plan(kept, over)


def counted(videos: Sequence[Planned]) -> dict[str, Any]:
    """A list in figures: ``videos``, ``hours``, ``by`` group and name, and of how many videos each
    fact is ``unknown``."""
    by: dict[str, dict[str, dict[str, float]]] = {}
    for group in GROUPS:
        its: defaultdict[str, list[Planned]] = defaultdict(list)
        for each in videos:
            its[getattr(each.facts, group)].append(each)
        rows = {
            name: {"videos": len(some), "hours": sum(one.hours for one in some)}
            for name, some in sorted(its.items())
        }
        by[group] = dict(sorted(rows.items(), key=lambda row: -row[1]["hours"]))
    unknown = {
        name: sum(getattr(each.facts, name) == UNKNOWN for each in videos) for name in COLUMNS
    }
    unknown[DURATION] = sum(each.seconds is None for each in videos)
    return {
        "videos": len(videos), "hours": sum(each.hours for each in videos), "by": by,
        "unknown": unknown,
    }  # fmt: skip


def _ordered(videos: Sequence[Planned], order: Order) -> list[Planned]:
    by_name = sorted(videos, key=lambda each: each.path)
    if order is Order.NAME:
        return by_name
    if order is Order.LONG:
        return sorted(by_name, key=lambda each: -each.hours)
    lines: defaultdict[str, deque[Planned]] = defaultdict(deque)
    for each in by_name:
        lines[each.facts.creator].append(each)
    found = []
    while lines:
        for creator in sorted(lines):
            found.append(lines[creator].popleft())
            if not lines[creator]:
                del lines[creator]
    return found


def _in_folder(place: Path) -> Iterator[Planned]:
    for folder, inside, names in os.walk(place):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        shown = {name for name in names if not name.startswith(".")}
        at = Path(folder)
        beside = {
            each.path.name: each
            for name in sorted(shown)
            if name.endswith(SIDECAR)
            for each in [_of_sidecar(at / name, shown)]
        }
        yield from beside.values()
        for name in sorted(shown):
            if Path(name).suffix.lower() in ENDINGS and name not in beside:
                yield Planned(at / name)


def _of_sidecar(sidecar: Path, beside: set[str]) -> Planned:
    """The video of a sidecar: the file beside it, or else the one that yt-dlp says it wrote."""
    said = read_sidecar(sidecar)
    stem = sidecar.name.removesuffix(SIDECAR)
    there = sorted(name for name in beside if _is_video_of(name, stem))
    ending = f".{said.get('ext')}".lower()
    name = there[0] if there else stem + (ending if ending in ENDINGS else ".mp4")
    return Planned(sidecar.with_name(name), _seconds(said.get(DURATION)), facts_of_sidecar(said))


def _is_video_of(name: str, stem: str) -> bool:
    path = Path(name)
    return path.stem == stem and path.suffix.lower() in ENDINGS


def _in_table(table: Path) -> Iterator[Planned]:
    for row in read_rows(table, (DURATION,)):
        path = table.parent / row["video"]
        yield Planned(path, _seconds(row.get(DURATION)), facts_in(row))


def _seconds(said: object) -> float | None:
    """A length as it was written; None for what is none."""
    try:
        seconds = float(said) if isinstance(said, str | int | float) else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
