"""Which frames are decoded when some are wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.drawing.planes import Colours
from nitropilot.dataset.video.frames import Frame, Video
from nitropilot.dataset.video.sampling import FEW, SHORT, about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.dataset.pose import Box

ONE = np.zeros((2, 2), np.uint8)


@dataclass
class Film(Video):
    """A video of tiny frames, of which every ``gap``-th can be decoded by itself."""

    gap: int = 250
    decoded: list[int] = field(default_factory=list)

    def frames(self, box: Box | None = None, first: int = 0) -> Iterator[Frame]:
        """As a ``Video`` does."""
        for number in range(first // self.gap * self.gap, len(self.times)):
            self.decoded.append(number)
            if number >= first:
                yield Frame(number, number / 30, ONE, ONE, ONE, 2, 2)

    def near(self, number: int, box: Box | None = None) -> Frame | None:
        """The same."""
        return next(self.frames(box, number // self.gap * self.gap))


def film(count: int, gap: int) -> Film:
    """A video of so many frames."""
    return Film(Path("film"), 2, 2, np.arange(count) / 30, Colours(), gap=gap)


@pytest.mark.parametrize(("count", "gap"), [(SHORT - 1, 30), (1800, 250), (9000, 60)])
def test_frames_are_spread_at_little_cost(count: int, gap: int) -> None:
    """The median of few frames shows the game (a minute of a screen recorder has eight places to
    begin at); decoding hours for more takes minutes."""
    video, wanted = film(count, gap), np.linspace(0, count - 1, 25).astype(np.int64)
    found = [each.number for each in about(video, wanted)]
    assert len(found) >= FEW
    assert found == sorted(set(found))
    assert np.abs(np.array(found)[:, None] - wanted).min(axis=0).max() < gap
    assert len(video.decoded) <= SHORT


def test_a_video_that_begins_once_is_decoded_through() -> None:
    """Else all that is known of it would be its first second."""
    video, wanted = film(SHORT + 200, 5000), np.linspace(0, SHORT + 199, 25).astype(np.int64)
    assert [each.number for each in about(video, wanted)] == wanted.tolist()
