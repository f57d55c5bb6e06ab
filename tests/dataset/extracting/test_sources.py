"""Which videos there are, and what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.dataset.errors import BadVideo
from nitropilot.dataset.extracting.sources import find_videos, video_id

if TYPE_CHECKING:
    from pathlib import Path


def made(root: Path, *names: str) -> list[Path]:
    """Empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return [root / name for name in names]


def test_videos_are_found_at_any_depth(tmp_path: Path) -> None:
    """And nothing else: no sidecar, no download that goes on, nothing hidden."""
    made(
        tmp_path, "a/b/one.MP4", "two.webm", "two.info.json", "x.mp4.part", ".trash/c.mp4", ".d.mp4"
    )
    root, videos = find_videos([tmp_path], tmp_path / "out")
    assert root == tmp_path
    assert [str(path.relative_to(tmp_path)) for path in videos] == ["a/b/one.MP4", "two.webm"]


def test_the_set_is_no_source_of_itself(tmp_path: Path) -> None:
    """Its links would be extracted the next time, and theirs after that."""
    made(tmp_path, "one.mp4", "out/videos/one.mp4")
    _, videos = find_videos([tmp_path], tmp_path / "out")
    assert videos == [tmp_path / "one.mp4"]


def test_a_video_that_is_named_twice_is_one(tmp_path: Path) -> None:
    """By itself and by its folder, or by a link."""
    (video,) = made(tmp_path, "in/one.mp4")
    (tmp_path / "in" / "two.mp4").symlink_to(video)
    root, videos = find_videos([tmp_path / "in", video], tmp_path / "out")
    assert (root, videos) == (tmp_path / "in", [video])


def test_without_a_video_it_is_one_line(tmp_path: Path) -> None:
    """A folder that is misspelled must not become an empty data set."""
    made(tmp_path, "a.txt")
    with pytest.raises(BadVideo, match=f"there is no video in {tmp_path}"):
        find_videos([tmp_path], tmp_path / "out")
    with pytest.raises(BadVideo, match=r"there is no .*missing"):
        find_videos([tmp_path / "missing"], tmp_path / "out")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.mp4", "a"),
        ("in/of/a.b.mp4", "in_of_a.b"),
        ("My game (1)/a b.mp4", "My_game__1__a_b"),
        ("Spiel\u00fc/\u30b2\u30fc\u30e0.mp4", "Spiel\u00fc_\u30b2\u30fc\u30e0"),
        ("...mp4", "_"),
        ("a_chunk_0001.mp4", "a_chunk_0001_"),
        ("20260101-120000-0123abcd.mp4", "20260101-120000-0123abcd_"),
    ],
)
def test_an_id_is_the_path_and_readable(tmp_path: Path, path: str, name: str) -> None:
    """Readers take letters, digits and ``_.-``; what looks like a chunk or a recording of ours is
    taken for one."""
    assert video_id(tmp_path / path, tmp_path, set()) == name


def test_ids_are_unique_and_stay(tmp_path: Path) -> None:
    """Two videos of one id would be written into one folder."""
    taken: set[str] = set()
    names = []
    for path in ("a_b.mp4", "a/b.mp4", "A/B.mkv", "a b.mp4"):
        names.append(video_id(tmp_path / path, tmp_path, taken))
        taken.add(names[-1].lower())
    assert names[0] == "a_b"
    assert len({name.lower() for name in names}) == 4
    assert names[1] == video_id(tmp_path / "a/b.mp4", tmp_path, {"a_b"})
    assert names[1].startswith("a_b-")


def test_a_long_path_has_a_name_that_fits(tmp_path: Path) -> None:
    """A name has at most 255 bytes, and a chunk's is longer."""
    one, other = (
        video_id(tmp_path / ("\u30b2" * 80) / f"{'x' * 100}{n}.mp4", tmp_path, set()) for n in "12"
    )
    assert one != other
    assert len(f"{one}_chunk_0000".encode()) < 200
