"""The points of a library, kept between processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nitropilot.dataset.locating import skins as module
from nitropilot.dataset.locating.features import Features, Sift
from nitropilot.dataset.locating.skins import digest, skins
from nitropilot.dataset.templates.template import Template


class Counting(Sift):
    """SIFT that counts how often it is asked."""

    asked = 0

    def of(self, grey: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Features:
        """The points of a picture."""
        Counting.asked += 1
        return super().of(grey)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    monkeypatch.setattr(Counting, "asked", 0)
    return tmp_path / "skins"


def test_points_are_found_once(cache: Path, library: dict[str, Template]) -> None:
    """A worker that begins would draw a whole library before its first video."""
    (first,) = skins([library["dark"]], [Counting()])
    asked = Counting.asked
    (again,) = skins([library["dark"]], [Counting()])
    assert asked == len(Counting().widths)
    assert Counting.asked == asked
    assert again.seen == first.seen
    for one, other in zip(first.points["sift"], again.points["sift"], strict=True):
        assert np.array_equal(one.points, other.points)
        assert np.array_equal(one.descriptors, other.descriptors)
    assert [path.suffix for path in cache.iterdir()] == [".npz"]


def test_a_damaged_file_is_made_again(
    cache: Path, library: dict[str, Template], caplog: pytest.LogCaptureFixture
) -> None:
    """A cache may cost time, and no video."""
    (first,) = skins([library["dark"]], [Counting()])
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    (again,) = skins([library["dark"]], [Counting()])
    assert np.array_equal(again.points["sift"][0].points, first.points["sift"][0].points)
    assert "is damaged" in caplog.text
    skins([library["dark"]], [Counting()])
    assert Counting.asked == 2 * len(Counting().widths)


def test_a_cache_that_cannot_be_written_costs_no_video(
    cache: Path,
    library: dict[str, Template],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A full disk, say."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.np, "savez", full)
    (skin,) = skins([library["dark"]], [Counting()])
    assert len(skin.points["sift"][0].points) > 50
    assert "No space left on device" in caplog.text
    assert list(cache.iterdir()) == []


def test_any_change_gives_another_name(library: dict[str, Template]) -> None:
    """A skin that was imported anew under its old name would be found by its old looks."""
    old = library["dark"]
    moved = replace(old.elements[1], x=old.elements[1].x + 1)
    picture = old.elements[0].looks[0].copy()
    picture[160, 240, 0] += 1
    painted = replace(old.elements[0], looks=(picture,))
    others = [
        replace(old, elements=(old.elements[0], moved, *old.elements[2:])),
        replace(old, elements=(painted, *old.elements[1:])),
        replace(old, width=481),
    ]
    assert len({digest(each) for each in (old, *others)}) == 4
    assert digest(replace(old, name="other")) == digest(old)


def test_points_lie_on_what_is_drawn(library: dict[str, Template]) -> None:
    """Points in the wrong place would set every pose off by as much."""
    (skin,) = skins([library["dark"]], [Sift()])
    assert skin.seen == pytest.approx((13, 28, 468, 293), abs=2)
    points = skin.points["sift"][0].points
    stick = np.abs(points - (114, 136)).max(axis=1)
    assert stick.min() < 3, "the middle of the left stick's rings is a point"
    assert len(points) > 100
