"""A data set in figures: hours in and out, why the rest was dropped, and what is pressed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.output.facts import COLUMNS, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.dataset.output.result import VideoResult

GROUPS = ("skin", "game", "genre", "creator", "licence")
"""What hours are counted by."""
ENOUGH = 10
"""Videos of which a place among them says something."""
BINS = 10


def group_of(result: VideoResult, group: str) -> str:
    """The name of the group that a video is in."""
    if group == "skin":
        return result.overlay.skin or "none"
    return str(getattr(result.facts, group))


def kind_of(result: VideoResult) -> str:
    """What became of a video, in a word or two."""
    if result.error:
        return "failed"
    if result.set_aside:
        return "set aside"
    return "kept" if result.hours_out else "nothing kept" if result.written else "no overlay"


def tally(results: Sequence[VideoResult]) -> dict[str, Any]:
    """All figures of a data set, for its ``report.json``."""
    dropped: defaultdict[str, float] = defaultdict(float)
    for result in results:
        for name, seconds in result.dropped.items():
            dropped[name] += seconds
    return {
        "videos": len(results),
        "became": dict(Counter(map(kind_of, results)).most_common()),
        "hours_in": sum(result.hours_in for result in results),
        "hours_out": sum(result.hours_out for result in results),
        "dropped": {name: round(dropped[name], 3) for name in sorted(dropped)},
        "by": {group: hours(results, group) for group in GROUPS},
        "unknown": {
            name: sum(getattr(result.facts, name) == UNKNOWN for result in results)
            for name in COLUMNS
        },
        "xfeat": sorted({result.xfeat for result in results} - {""}),
        "learned": sorted({result.learned for result in results} - {""}),
        "damaged": sum(bool(result.damage) for result in results),
        "buttons": pressed(results, lambda _: "all").get("all", {}),
        "buttons_by_game": pressed(results, lambda result: result.facts.game),
        "confidence": shares([r.figures.confidence for r in results if r.figures]),
        "idle": shares([r.figures.idle for r in results if r.figures]),
        "places": places(results),
    }


def hours(results: Sequence[VideoResult], group: str) -> dict[str, dict[str, float]]:
    """Videos, hours in and hours out of each group, those with most hours first."""
    found: defaultdict[str, list[VideoResult]] = defaultdict(list)
    for result in results:
        found[group_of(result, group)].append(result)
    counted = {
        name: {
            "videos": len(its),
            "hours_in": sum(one.hours_in for one in its),
            "hours_out": sum(one.hours_out for one in its),
        }
        for name, its in found.items()
    }
    return dict(sorted(counted.items(), key=lambda each: -each[1]["hours_in"]))


def pressed(
    results: Sequence[VideoResult], by: Callable[[VideoResult], str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Of each group and button: presses a minute, and the share of the time that it is held.

    Of recordings that are set aside nothing counts.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    presses: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    held: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for result in results:
        if result.figures is None or result.set_aside:
            continue
        group, figures = by(result), result.figures
        seconds[group] += figures.seconds
        for name, rate in figures.presses.items():
            presses[group][name] += rate * figures.seconds
            held[group][name] += figures.held[name] * figures.seconds
    return {
        group: {
            name: {
                "presses_a_minute": round(count / seconds[group], 3),
                "held": round(held[group][name] / seconds[group], 4),
            }
            for name, count in sorted(presses[group].items(), key=lambda each: -each[1])
        }
        for group in seconds
        if seconds[group]
    }


def shares(values: Sequence[float]) -> list[int]:
    """How many values of 0 to 1 are in each tenth."""
    found = [0] * BINS
    for value in values:
        found[min(int(value * BINS), BINS - 1)] += 1
    return found


def places(results: Sequence[VideoResult]) -> dict[str, dict[str, float]]:
    """Of each recording and measure: the share of the set's recordings with no more of it.

    Empty where there are too few recordings to say so.
    """
    measured = {r.video_id: r.figures.measures() for r in results if r.figures is not None}
    if len(measured) < ENOUGH:
        return {}
    names = {name for its in measured.values() for name in its}
    among = {
        name: sorted(its.get(name, 0.0) for its in measured.values()) for name in sorted(names)
    }
    return {
        video: {
            name: round(bisect_right(among[name], value) / len(measured), 4)
            for name, value in its.items()
        }
        for video, its in measured.items()
    }
