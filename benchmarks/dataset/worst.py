"""A page of the worst clips: what is on screen, what was read there, and what was pressed.

Of each clip those moments are shown in which most was wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.output.samples import drawn, figure, sample
from nitropilot.dataset.pad import BUTTONS, SIDES
from nitropilot.dataset.parsing.view import rgb
from nitropilot.page import Page, number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.dataset.trials import Trial
    from nitropilot.dataset.output.samples import Sample
    from nitropilot.dataset.pad import Moment, PadStates
    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.reading.reading import Reading
    from nitropilot.dataset.video.frames import Video

SHOWN = 4
"""Moments of a clip."""
APART = 10
"""Frames from one to the next, at least."""
CLIPS = 30
FAR = 0.2
"""A stick further than this from where it is counts as much as a button."""


class Shot(NamedTuple):
    """A moment in which something was wrong.

    Attributes:
        read: The picture, and what was read.
        true: What was pressed.
        wrong: How much was wrong: buttons, and sticks that are too far off.
    """

    read: Sample
    true: Moment
    wrong: int


def shots(video: Video, box: Box, reading: Reading, truth: PadStates) -> tuple[Shot, ...]:
    """The moments of a clip in which most was wrong; none where all was right.

    Args:
        video: The clip, in which the controller is all the time.
        box: Around the controller.
        reading: What was read of it.
        truth: What was pressed in each frame.
    """
    wrong = mistakes(reading, truth)
    part = box.inside(video.width - video.width % 2, video.height - video.height % 2)
    part = part._replace(left=part.left - part.left % 2, top=part.top - part.top % 2)
    found = []
    for at in _apart(wrong):
        frame = next(video.frames(part, int(reading.numbers[at])), None)
        if frame is not None:
            crop = rgb(frame, video.colours)
            taken = sample(float(reading.times[at]), reading.states.moment(at), crop)
            found.append(Shot(taken, truth.moment(at), int(wrong[at])))
    return tuple(found)


def mistakes(reading: Reading, truth: PadStates) -> NDArray[np.int64]:
    """``T``: how much was wrong in each frame, of what the skin shows."""
    count = len(reading.numbers)
    shown = np.array([name in reading.outputs for name in BUTTONS])
    buttons = (reading.states.buttons != truth.buttons[:count]) & shown
    off = reading.states.sticks - truth.sticks[:count]
    wrong = buttons.sum(axis=1)
    for index, side in enumerate(SIDES):
        if f"j_{side}" in reading.outputs:
            wrong += np.linalg.norm(off[:, 2 * index : 2 * index + 2], axis=1) > FAR
    return np.asarray(wrong, np.int64)


def write_worst(trials: Sequence[Trial], path: Path, said: Sequence[str]) -> None:
    """Write the page: one HTML file.

    Args:
        trials: All of them.
        path: Of the file.
        said: What is said of all, line by line.
    """
    page = Page("Controllers read off videos: the worst clips")
    for line in said:
        page.say(line)
    worst = sorted(trials, key=badness, reverse=True)[:CLIPS]
    page.table(
        ("skin", "condition", "seed", "found", "IoU", "off, px", "macro-F1", "worst button", "R2"),
        [_row(each) for each in worst],
    )
    page.say("Below: the picture, what was read (first drawing), what was pressed (second one).")
    for each in worst:
        if each.shots:
            page.heading(f"{each.skin}, {each.condition}, seed {each.seed}")
            page.figures([_figure(shot) for shot in each.shots])
    path.write_text(page.html(), encoding="utf-8")


def badness(trial: Trial) -> float:
    """How far a clip is from being right: 2 where its skin was not found, 0 where all is right."""
    if not trial.right or trial.score is None:
        return 2.0
    away = [1 - value for value in (trial.score.f1, trial.score.r2) if np.isfinite(value)]
    return min(max(away, default=0.0), 1.99)


def _apart(wrong: NDArray[np.int64]) -> list[int]:
    """Frames in which most is wrong, in order, none close to another one."""
    chosen: list[int] = []
    for at in np.argsort(-wrong, kind="stable").tolist():
        if len(chosen) == SHOWN or not wrong[at]:
            break
        if all(abs(at - other) >= APART for other in chosen):
            chosen.append(at)
    return sorted(chosen)


def _row(trial: Trial) -> tuple[str, ...]:
    score = trial.score
    name, lowest = score.worst if score else ("", float("nan"))
    figures = (trial.iou, trial.off, score.f1 if score else float("nan"))
    return (
        trial.skin, trial.condition, str(trial.seed), "yes" if trial.right else "no",
        *(_figure_of(value) for value in figures), f"{name} {_figure_of(lowest)}".strip(),
        _figure_of(score.r2 if score else float("nan")),
    )  # fmt: skip


def _figure_of(value: float) -> str:
    return number(value if np.isfinite(value) else None)


def _figure(shot: Shot) -> tuple[str, str]:
    markup, said = figure(shot.read)
    pressed = ", ".join(sorted(shot.true.buttons)) or "no button"
    return f"{markup}<br>{drawn(shot.true, 'What was pressed')}", f"{said}; pressed: {pressed}"
