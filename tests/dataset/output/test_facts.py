"""Facts about a video: from sidecars, never guessed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nitropilot.dataset.output.facts import BadFacts, Facts, facts_of, read_table

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_guessed(tmp_path: Path) -> None:
    """A title and tags may name any game; a video without a sidecar is of an unknown one."""
    video = tmp_path / "Elden Ring" / "Elden Ring boss.mp4"
    assert facts_of(video, tmp_path, {}) == Facts()
    video.parent.mkdir()
    said = {"title": "Elden Ring", "tags": ["elden ring"], "categories": ["Gaming"], "genre": None}
    video.with_suffix(".info.json").write_text(json.dumps(said))
    assert facts_of(video, tmp_path, {}).known() == {}


def test_a_sidecar_is_read(tmp_path: Path) -> None:
    """What yt-dlp writes beside a video."""
    said = {"channel": "Some  One", "uploader": "x", "webpage_url": "https://v/1", "game": "Tetris",
            "license": "CC BY", "extractor_key": "Youtube"}  # fmt: skip
    (tmp_path / "a.b.info.json").write_text(json.dumps(said))
    assert facts_of(tmp_path / "a.b.mp4", tmp_path, {}) == Facts(
        "Tetris", "Some One", "unknown", "https://v/1", "CC BY", "Youtube"
    )


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"game": 3, "channel": ["x"]}', "\x00"])
def test_a_damaged_sidecar_says_nothing(tmp_path: Path, text: str) -> None:
    """A download that broke off must not stop a thousand other videos."""
    (tmp_path / "a.info.json").write_text(text)
    assert facts_of(tmp_path / "a.mp4", tmp_path, {}) == Facts()


@pytest.mark.parametrize("named", ["in/a.mp4", "a.mp4", "{root}/in/a.mp4"])
def test_a_table_counts_more_than_a_sidecar(tmp_path: Path, named: str) -> None:
    """It is what the user says, and where it says nothing the sidecar does."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.info.json").write_text(json.dumps({"game": "x", "channel": "one"}))
    table = tmp_path / "facts.csv"
    table.write_text(
        f"\ufeffVideo,game, License,note\n{named.format(root=tmp_path)},Doom,MIT,n\n,Quake,,\n",
        encoding="utf-8",
    )
    facts = facts_of(tmp_path / "in" / "a.mp4", tmp_path, read_table(table))
    assert facts == Facts(game="Doom", creator="one", licence="MIT")
    assert facts_of(tmp_path / "in" / "b.mp4", tmp_path, read_table(table)) == Facts()


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "has the columns none"), ("video\na\n", "has the columns video"),
     ("name,game\na,b\n", "has the columns name, game")],
)  # fmt: skip
def test_a_table_that_says_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Read as it is, every fact of the set would be unknown."""
    table = tmp_path / "facts.csv"
    table.write_text(text)
    with pytest.raises(BadFacts, match=said):
        read_table(table)
    with pytest.raises(BadFacts, match="cannot be read"):
        read_table(tmp_path / "missing.csv")
    table.write_bytes(b"video,game\n\xff,\xfe\n")
    with pytest.raises(BadFacts, match="cannot be read"):
        read_table(table)
