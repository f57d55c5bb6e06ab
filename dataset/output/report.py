"""A data set's report: ``report.json`` for programs, ``report.html`` for people, one file each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.output.published import no_room
from nitropilot.dataset.output.result import HOUR, lasting
from nitropilot.dataset.output.samples import figure
from nitropilot.dataset.output.tally import kind_of, tally
from nitropilot.page import Page, number, percent
from nitropilot.records.format import PART
from nitropilot.records.writer import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nitropilot.dataset.output.result import VideoResult
    from nitropilot.dataset.output.samples import Sample

PAGE, FIGURES = "report.html", "report.json"
MOST_ROWS = 200
"""Lines of a table on the page; ``report.json`` has all."""
MOST_STRIPS = 20
"""Videos of which samples are shown: those that were read with the least confidence first."""
CURVES = {
    "confidence": "Recordings by the mean confidence of the least sure output",
    "idle": "Recordings by the share of the time in which nothing is done",
}
BAR, WIDE, NAMES, LINE = 12, 300, 130, 18
"""Of a drawing of bars: height of one, longest, room for names, and from one to the next."""


def write_report(
    out: Path, results: Sequence[VideoResult], samples: Callable[[str], list[Sample]]
) -> None:
    """Write both files; those that are there are replaced when the new ones are whole.

    Args:
        out: The data set.
        results: What became of its videos.
        samples: The strip of a video, by its id.

    Raises:
        NotExtracted: There is no room, or no way to write there.
    """
    figures = tally(results)
    page = Page(f"Data set {out.name}")
    _summary(page, figures)
    _hours(page, figures)
    _presses(page, figures)
    _confidence(page, figures)
    _videos(page, results, figures["places"])
    _strips(page, results, samples)
    try:
        write_json(out / FIGURES, {**figures, "each": [result.plain() for result in results]})
        part = out / f"{PAGE}{PART}"
        part.write_text(page.html(), encoding="utf-8")
        part.replace(out / PAGE)
    except OSError as error:
        raise no_room(out / PAGE, error) from error


def bars(title: str, values: Mapping[str, float], digits: int = 1) -> str:
    """Values by name as bars, longest as wide as there is room; "" where there are none."""
    most = max(values.values(), default=0.0)
    if most <= 0:
        return ""
    parts = []
    for at, (name, value) in enumerate(values.items()):
        y = at * LINE
        parts.append(
            f'<text x="{NAMES - 6}" y="{y + BAR}" text-anchor="end">{escape(name[:20])}</text>'
            f'<rect x="{NAMES}" y="{y + 2}" width="{WIDE * value / most:.1f}" height="{BAR}" '
            f'fill="var(--one)"/><text x="{NAMES + WIDE * value / most + 5:.1f}" y="{y + BAR}">'
            f"{value:.{digits}f}</text>"
        )
    width, height = NAMES + WIDE + 70, len(values) * LINE + 4
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _summary(page: Page, figures: Mapping[str, Any]) -> None:
    share = figures["hours_out"] / figures["hours_in"] if figures["hours_in"] else None
    page.say(
        f"Videos: {figures['videos']}, with {lasting(figures['hours_in'])}; "
        f"{lasting(figures['hours_out'])} are kept ({percent(share)})."
    )
    page.table(("what became of them", "videos"), _texts(figures["became"]))
    if figures["damaged"]:
        page.say(f"{figures['damaged']} videos ended early: what can be decoded is used.")
    for said in figures["xfeat"]:
        page.say(f"xfeat: {said}")
    for said in figures["learned"]:
        page.say(f"skins that no template knows: {said}")
    page.heading("Why the rest was dropped")
    page.table(
        ("reason", "hours"),
        [(name, number(seconds / HOUR, 3)) for name, seconds in figures["dropped"].items()],
    )


def _hours(page: Page, figures: Mapping[str, Any]) -> None:
    for group, its in figures["by"].items():
        page.heading(f"Hours by {group}")
        page.table(
            (group, "videos", "hours in", "hours out"),
            [
                (name, str(one["videos"]), number(one["hours_in"]), number(one["hours_out"]))
                for name, one in list(its.items())[:MOST_ROWS]
            ],
        )
    page.say("Facts come from sidecars and are never guessed. Videos of which one is unknown: "
             + ", ".join(f"{name} {count}" for name, count in figures["unknown"].items())
             + ".")  # fmt: skip


def _presses(page: Page, figures: Mapping[str, Any]) -> None:
    page.heading("What is pressed")
    every = figures["buttons"]
    page.figures([
        (bars("Presses a minute", _column(every, "presses_a_minute")), "Presses a minute"),
        (bars("Held", _column(every, "held", 100)), "Percent of the time that it is held"),
    ])  # fmt: skip
    games = list(figures["buttons_by_game"].items())[:MOST_ROWS]
    page.figures([
        (bars(game, _column(its, "presses_a_minute")), f"{game}: presses a minute")
        for game, its in games if its
    ])  # fmt: skip


def _confidence(page: Page, figures: Mapping[str, Any]) -> None:
    page.heading("How sure it was read, and how idle it is")
    drawn = []
    for name, said in CURVES.items():
        tenths = {
            f"{at / 10:.1f} to {(at + 1) / 10:.1f}": float(count)
            for at, count in enumerate(figures[name])
        }
        drawn.append((bars(said, tenths, 0), said))
    page.figures(drawn)


def _videos(
    page: Page, results: Sequence[VideoResult], places: Mapping[str, Mapping[str, float]]
) -> None:
    page.heading("Videos")
    if len(results) > MOST_ROWS:
        page.say(f"The first {MOST_ROWS}; {FIGURES} has all.")
    page.table(
        ("video", "became", "skin", "score", "min in", "min out", "idle", "sure", "unusual", "why"),
        [_line(result, places.get(result.video_id, {})) for result in results[:MOST_ROWS]],
    )


def _line(result: VideoResult, places: Mapping[str, float]) -> tuple[str, ...]:
    figures = result.figures
    dropped = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in result.dropped.items())
    return (
        result.video_id, kind_of(result), result.overlay.skin or "-",
        number(result.overlay.score, 2), number(60 * result.hours_in, 1),
        number(60 * result.hours_out, 1), percent(figures.idle) if figures else "-",
        number(figures.confidence) if figures else "-", _unusual(places),
        "; ".join(filter(None, (result.set_aside or result.error, dropped, result.damage))) or "-",
    )  # fmt: skip


def _unusual(places: Mapping[str, float]) -> str:
    """The measure with which a recording lies furthest from the middle of all."""
    if not places:
        return "-"
    name, place = max(places.items(), key=lambda each: abs(each[1] - 0.5))
    return f"{name}: above {percent(place)} of the recordings"


def _strips(
    page: Page, results: Sequence[VideoResult], samples: Callable[[str], list[Sample]]
) -> None:
    page.heading("Samples")
    read = [result for result in results if result.figures is not None]
    read.sort(key=lambda each: each.figures.confidence if each.figures else 0.0)
    page.say("The controller as it is in the video, and below it what was read; the videos that "
             "were read with the least confidence first.")  # fmt: skip
    for result in read[:MOST_STRIPS]:
        if strip := samples(result.video_id):
            page.say(f"{result.video_id} ({result.overlay.skin}, {kind_of(result)})")
            page.figures([figure(one) for one in strip])


def _texts(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, str(count)) for name, count in counts.items()]


def _column(
    buttons: Mapping[str, Mapping[str, float]], name: str, times: float = 1.0
) -> dict[str, float]:
    return {button: its[name] * times for button, its in buttons.items()}
