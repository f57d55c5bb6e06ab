"""What the pictures did, seen while somebody else decoded them; and copies, told by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.output.prints import Seen, fingerprint
from nitropilot.dataset.output.timing import rows_of
from nitropilot.dataset.output.watching import Watched
from nitropilot.dataset.pose import Box
from nitropilot.dataset.video.frames import open_video
from tests.dataset.making import noise, played, write_video
from tests.dataset.output.test_timing import frames

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.dataset.output.timing import Rows

COUNT = 150


def pictures() -> list[NDArray[np.uint8]]:
    """Two seconds of movement, one that stands, a cut, a flash of two pictures, movement."""
    moving, other = list(noise(COUNT)), list(noise(COUNT, 7))
    shown = [*moving[:60], *[moving[60]] * 40, *other[100:]]
    dark = [np.asarray(picture // 3, np.uint8) for picture in shown]
    dark[130] = dark[131] = np.full_like(dark[0], 230)
    return dark


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """That video, decoded by somebody who wants a corner of it."""
    path = write_video(tmp_path_factory.mktemp("watched") / "a.mp4", pictures())
    video = Watched.of(open_video(path))
    for _ in video.frames(Box(0, 0, 8, 8)):
        pass  # nobody asked to watch
    assert not len(video.scene().numbers)
    video.watching, video.crop, video.crops = True, Box(80, 40, 120, 90), {30: None, 75: None}
    for _ in video.frames(Box(0, 0, 8, 8)):
        pass
    return video


def test_what_stands_is_told_from_what_moves(watched: Watched) -> None:
    """A picture that stands is a menu; but a game that moves slowly is one."""
    still = watched.scene().still(np.arange(COUNT))
    assert still[62:88].all()
    assert not still[:44].any()
    assert not still[106:].any()


def test_cuts_and_flashes_are_found_where_they_are(watched: Watched) -> None:
    """And nothing else that moves is one."""
    scene = watched.scene()
    assert scene.flashes().tolist() == [130]
    assert 100 in scene.cuts()
    assert not set(scene.cuts().tolist()) - {100, 130, 132}


def test_parts_are_kept_in_colour(watched: Watched) -> None:
    """For the report: what lies in the picture of a box that reaches out of it."""
    assert {number: crop.shape for number, crop in watched.crops.items() if crop is not None} == {
        30: (24, 16, 3), 75: (24, 16, 3)
    }  # fmt: skip
    expected = pictures()[30][40:64, 80:96].astype(int)
    crop = watched.crops[30]
    assert crop is not None
    assert np.abs(crop.astype(int).mean() - expected.mean()) < 4


def rows(seed: int) -> Rows:
    """Somebody plays."""
    whole = frames([n / 30 for n in range(COUNT)])
    states = played(COUNT, seed)
    whole.states.buttons[:] = states.buttons
    whole.states.sticks[:] = states.sticks
    return rows_of(whole, 30)


def test_a_copy_is_known_by_its_pictures_and_its_presses(watched: Watched, tmp_path: Path) -> None:
    """Encoded anew it is the same; another player over the same pictures, or the same pad over
    others, is not."""
    again = write_video(tmp_path / "b.mp4", pictures(), crf=34)
    copy = Watched.of(open_video(again))
    copy.watching = True
    for _ in copy.frames():
        pass
    seen = Seen()
    seen.add("first", 5.0, fingerprint(watched.scene(), rows(1)))
    assert seen.like(5.05, fingerprint(copy.scene(), rows(1))) == "first"
    assert seen.like(5.0, fingerprint(copy.scene(), rows(2))) == ""
    assert seen.like(9.0, fingerprint(copy.scene(), rows(1))) == ""
    other = Watched.of(open_video(write_video(tmp_path / "c.mp4", noise(COUNT, 5))))
    other.watching = True
    for _ in other.frames():
        pass
    assert seen.like(5.0, fingerprint(other.scene(), rows(1))) == ""
