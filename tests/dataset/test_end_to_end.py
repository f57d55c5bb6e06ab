"""From a video with a controller in it to what training sees: found, read, written, blackened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.extracting.one import extract_one, known_ways
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.synth.clips import write_clip
from nitropilot.dataset.synth.scenes import scene
from nitropilot.dataset.synth.states import states
from nitropilot.dataset.templates.library import shipped
from nitropilot.records.format import PUBLISHED_BUTTONS
from nitropilot.training.formats.finding import find_takes, open_take
from nitropilot.training.formats.video import decoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.output.result import VideoResult
    from nitropilot.dataset.pad import PadStates
    from nitropilot.training.formats.take import Take

FRAMES, SIZE = 300, (480, 272)
SKIN, POSE = "playstation-dark", Pose(0.26, 291.3, 100.8)
CELL = 8
"""Pixels of a side of what the probe sees as one."""


@pytest.fixture(scope="module")
def truth() -> PadStates:
    return states(np.random.default_rng(11), FRAMES / 30)


@pytest.fixture(scope="module")
def extracted(
    tmp_path_factory: pytest.TempPathFactory, truth: PadStates
) -> tuple[VideoResult, Take]:
    """One video, through all of it."""
    out = tmp_path_factory.mktemp("extracted")
    video = out / "videos" / "clip.mp4"
    video.parent.mkdir()
    pictures = scene("racing", np.random.default_rng(12), *SIZE, FRAMES)
    write_clip(video, shipped().get(SKIN), POSE, truth, pictures, crf=26)
    job, options = Job(str(video), "clip"), Options(active=0.0)
    result = extract_one(job, options, out / "SHARD_0000" / "clip", known_ways(None)).result
    (place,) = find_takes([out])
    return result, open_take(place)


def test_the_controller_is_found_and_read(
    extracted: tuple[VideoResult, Take], truth: PadStates
) -> None:
    result, take = extracted
    said = np.stack([take.column(name) for name in PUBLISHED_BUTTONS], axis=1)

    assert (result.overlay.found, result.overlay.skin, result.set_aside) == (True, SKIN, "")
    assert len(said) == FRAMES
    assert (said != truth.published()).mean() < 0.005
    sticks = np.concatenate(
        [np.stack(take.rows[s].to_pylist()) for s in ("j_left", "j_right")], axis=1
    )
    missed = (
        np.square(sticks - truth.sticks).sum()
        / np.square(truth.sticks - truth.sticks.mean(0)).sum()
    )
    assert missed < 0.03


def test_what_training_sees_tells_nothing_of_what_was_pressed(
    extracted: tuple[VideoResult, Take], truth: PadStates
) -> None:
    """A probe that is fitted to the region alone finds nothing in it; unmasked it finds a lot."""
    _, take = extracted
    pictures = list(decoded(take.video, np.arange(FRAMES)))
    box = take.view.masks[0].pixels(SIZE[1], SIZE[0])
    near = tuple(slice(max(cut.start - 2 * CELL, 0), cut.stop + 2 * CELL) for cut in box)
    pressed = truth.published().astype(np.float64)

    masked = _cells([take.view.of(picture)[near] for picture in pictures])
    assert explained(masked, pressed) < 0.05
    assert explained(_cells([picture[near] for picture in pictures]), pressed) > 0.25


def _cells(pictures: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """``T x n``: means of small squares."""
    whole = np.stack(pictures).astype(np.float64)
    height, width = (side - side % CELL for side in whole.shape[1:3])
    cut = whole[:, :height, :width]
    blocks = cut.reshape(len(whole), height // CELL, CELL, width // CELL, CELL, 3)
    return blocks.mean(axis=(2, 4)).reshape(len(whole), -1)


def explained(seen: NDArray[np.float64], pressed: NDArray[np.float64]) -> float:
    """Share of what is pressed that a ridge regression explains in frames it was not fitted to.

    Every other second is fitted to; the best of some strengths counts, so that it is no strength
    that hides a leak.
    """
    fitted = (np.arange(len(seen)) // 30) % 2 == 0
    middle, spread = seen[fitted].mean(axis=0), seen[fitted].std(axis=0) + 1e-3
    inputs, mean = (seen - middle) / spread, pressed[fitted].mean(axis=0)
    inner = inputs[fitted] @ inputs[fitted].T
    best = -np.inf
    for strength in (1e2, 1e3, 1e4, 1e5):
        weights = np.linalg.solve(inner + strength * np.eye(len(inner)), pressed[fitted] - mean)
        guessed = inputs[~fitted] @ inputs[fitted].T @ weights + mean
        left = np.square(pressed[~fitted] - guessed).sum()
        best = max(best, 1 - left / np.square(pressed[~fitted] - mean).sum())
    return float(best)
