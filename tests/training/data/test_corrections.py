"""What a human corrected counts more, and what they corrected is not learned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.policy.actions import CHECKPOINT
from nitropilot.records.timeline import Timeline
from nitropilot.training.data.corrections import row_weights, takeovers
from nitropilot.training.data.damage import stop
from nitropilot.training.data.dataset import Dataset
from nitropilot.training.data.frames import open_frames
from nitropilot.training.data.recordings import open_clip
from nitropilot.training.data.wish import Wish
from tests.training.making import HZ, SIDE, recording

if TYPE_CHECKING:
    from pathlib import Path

WISH = Wish(Timeline(1, 4), None, 1, SIDE, CHECKPOINT, corrections=2.0, before_takeover=0.5)
SPAN = round(0.5 * HZ)


def sources(text: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """``a`` for the agent, ``h`` for a human, ``.`` for nobody."""
    names = {"a": "agent", "h": "human", ".": "none"}
    return np.array([names[letter] for letter in text], object)


@pytest.mark.parametrize(
    ("rows", "weights"),
    [
        ("aaaaahh", "1110022"),
        ("ahhaaah", "0221002"),
        ("aaa.hh", "110122"),
        ("hhaaa", "11111"),
        ("hhhh", "1111"),
        ("aaaa", "1111"),
        ("hhaaahh", "2210022"),
        ("aahah", "00202"),
    ],
)
def test_what_each_row_counts(rows: str, weights: str) -> None:
    """A wrong label teaches, and of what is right there is little.

    A human alone, or one who played before the agent, corrects nobody.
    """
    found = row_weights(sources(rows), 4.0, 2.0, 0.5)
    assert found.tolist() == [float(digit) for digit in weights]
    assert bool(len(takeovers(sources(rows)))) == ("2" in weights)


def test_takeovers_are_counted_once() -> None:
    """Ticks for which nobody had an action end no human's play."""
    assert takeovers(sources("aah.h.aa..hh")).tolist() == [2, 10]


def test_a_policy_is_shown_what_was_corrected(tmp_path: Path) -> None:
    """The weights reach the samples: a chunk at the takeover, and one of the human's."""
    said = ["agent"] * 20 + ["human"] * 20
    clip = open_clip(recording(tmp_path, 0, 40, sources=said), WISH)
    samples = Dataset(open_frames([clip], SIDE, tmp_path / "frames", stop), WISH)
    batch = samples.batch(range(len(samples)))
    for first, weights in zip(clip.first.tolist(), batch.weights[:, :, 0].tolist(), strict=True):
        rows = range(first, first + 4)
        assert weights == [2.0 if row >= 20 else float(row < 20 - SPAN) for row in rows], first
    assert {2.0, 1.0, 0.0} == set(batch.weights.unique().tolist())
    usual = replace(WISH, corrections=1.0, before_takeover=0.0)
    plain = Dataset(open_frames([open_clip(clip.folder, usual)], SIDE, tmp_path, stop), usual)
    assert plain.batch([0, 20]).weights.unique().tolist() == [1.0]


def test_a_human_alone_counts_as_before(tmp_path: Path) -> None:
    """Weights beside other recordings must not make a person's own play count twice."""
    clip = open_clip(recording(tmp_path, 0, 30), WISH)
    assert clip.weights.tolist() == [1.0] * 30
