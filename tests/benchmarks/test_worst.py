"""The page of the worst clips shows the moments in which most was wrong, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.dataset.trials import Trial
from benchmarks.dataset.worst import APART, SHOWN, badness, mistakes, shots, write_worst
from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.dataset.pose import Box
from nitropilot.dataset.reading.reading import Reading
from nitropilot.dataset.scoring.scores import Score
from nitropilot.dataset.video.frames import open_video
from tests.dataset.making import noise, played, reading, write_video

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 60
SOUTH, WEST, EAST = (BUTTONS.index(name) for name in ("south", "west", "east"))


def read_wrongly(truth: PadStates) -> Reading:
    """Two buttons at frame 20, one at 23 and 50; a stick from 40 on, by more than it may be."""
    buttons, sticks = truth.buttons.copy(), truth.sticks.copy()
    buttons[20, [SOUTH, WEST]] ^= True
    buttons[[23, 50], EAST] ^= True
    sticks[40, :2] += 0.3
    sticks[41, :2] += 0.1
    found = replace(truth, buttons=buttons, sticks=sticks)
    return reading(found, np.arange(FRAMES) / 30)


def test_moments_are_those_in_which_most_was_wrong(tmp_path: Path) -> None:
    truth = played(FRAMES)
    said = read_wrongly(truth)
    video = open_video(write_video(tmp_path / "a.mp4", noise(FRAMES)))

    wrong = mistakes(said, truth)
    found = shots(video, Box(9, 21, 38, 40), said, truth)

    assert {n: int(c) for n, c in enumerate(wrong) if c} == {20: 2, 23: 1, 40: 1, 50: 1}
    # 23 is too close to 20, where more was wrong.
    assert [round(30 * each.read.time) for each in found] == [20, 40, 50]
    assert [each.wrong for each in found] == [2, 1, 1]
    assert found[0].true == truth.moment(20)
    assert found[0].read.moment == said.states.moment(20)


def test_few_moments_of_a_clip_that_is_wrong_all_the_time(tmp_path: Path) -> None:
    truth = played(FRAMES)
    said = read_wrongly(truth)
    said = replace(said, states=replace(said.states, buttons=~truth.buttons))
    video = open_video(write_video(tmp_path / "a.mp4", noise(FRAMES)))

    found = shots(video, Box(8, 20, 38, 40), said, truth)

    at = [round(30 * each.read.time) for each in found]
    assert len(at) == SHOWN
    assert min(np.diff(at)) >= APART


def test_the_worst_come_first_and_what_was_not_found_before_all(tmp_path: Path) -> None:
    truth = played(FRAMES)
    video = open_video(write_video(tmp_path / "a.mp4", noise(FRAMES)))
    seen = shots(video, Box(8, 20, 38, 40), read_wrongly(truth), truth)
    good, bad, nothing = Score(1, 1.0, 0.99, 0.9, ("south", 1.0)), Score(
        0.9, 0.7, 0.98, 0.9, ("<east>", 0.1)
    ), Score(1, float("nan"), float("nan"), 1, ("", float("nan")))  # fmt: skip
    lost = Trial("lost", True, "usual", False, 0.0, 0.0, float("nan"), None, 1.0, 0.0, 0.0, 8.0)
    trials = [
        lost._replace(skin="good", right=True, score=good),
        lost._replace(skin="bad", right=True, score=bad, shots=seen, seed=7),
        lost._replace(skin="still", right=True, score=nothing),
        lost,
    ]
    write_worst(trials, tmp_path / "page.html", ["<four> clips"])
    page = (tmp_path / "page.html").read_text("utf-8")

    assert sorted(map(badness, trials)) == [0.0, 1 - 0.99, 1 - 0.7, 2.0]
    assert page.index(">lost<") < page.index(">bad<") < page.index(">good<") < page.index(">still<")
    assert "bad, usual, seed 7" in page
    assert page.count("<img ") == len(seen)
    assert "What was pressed" in page
    assert "&lt;four&gt;" in page and "<east>" not in page
    assert "shots" not in trials[1].plain()
