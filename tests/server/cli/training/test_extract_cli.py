"""``nitropilot dataset extract``: what it prints, and what it refuses before it begins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nitropilot.dataset.extracting import one
from nitropilot.dataset.templates.library import VARIABLE
from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.main import app
from tests.dataset.making import noise, played, ways, write_video

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str) -> int:
    """``nitropilot dataset extract WORDS`` in this process; its exit status."""
    return app(["dataset", "extract", *words], standalone_mode=False) or 0


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every video shows one controller, and it is known what it does: what is found and read is
    tested where that is done."""
    how = ways(lambda video: played(len(video.times), len(video.path.stem)))
    monkeypatch.setattr(one, "known_ways", lambda *options: how)


@pytest.mark.usefixtures("known")
def test_a_folder_of_videos_becomes_a_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that nobody can read is handled too: the exit status is 0, and the list has both."""
    write_video(tmp_path / "in" / "of" / "one.mp4", noise(60))
    (tmp_path / "in" / "two.mp4").write_text("no video")
    facts = tmp_path / "facts.csv"
    facts.write_text("video,game\nof/one.mp4,Doom\n")
    out = tmp_path / "out"
    words = (str(tmp_path / "in"), "--out", str(out), "--facts", str(facts), "--pack", "--json")
    assert run(*words) == 0
    said = capsys.readouterr()
    first, second = json.loads(said.out)
    assert first == {
        "source": str(tmp_path / "in" / "of" / "one.mp4"), "video_id": "of_one",
        "overlay": {"found": True, "skin": "box", "score": 0.9, "box": [8, 20, 30, 20]},
        "hours_in": pytest.approx(2 / 3600), "hours_out": pytest.approx(2 / 3600), "dropped": {},
        "set_aside": "", "error": "", "damage": "",
    }  # fmt: skip
    assert second["video_id"] == "two"
    assert "cannot be read" in second["set_aside"]
    assert "of_one: box, 0.0 of 0.0 min kept" in said.err
    chunk = out / "SHARD_0000" / "of_one" / "of_one_chunk_0000"
    assert json.loads((chunk / "metadata.json").read_text())["game"] == "Doom"
    assert (out / "actions" / "SHARD_0000.tar.gz").is_file()
    assert json.loads((out / "report.json").read_text())["videos"] == 2
    assert (out / "report.html").is_file()
    assert run(*words) == 0
    assert json.loads(capsys.readouterr().out) == [first, second]


@pytest.mark.usefixtures("known")
def test_what_is_not_as_it_was_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Videos that went, and those that are looked at again since there are other templates."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "templates"))
    video, other = (write_video(tmp_path / "in" / name, noise(60)) for name in ("a.mp4", "b.mp4"))
    out = tmp_path / "out"
    monkeypatch.setattr(
        one, "known_ways", lambda *options: ways(lambda _: played(60), lambda _: [])
    )
    assert run(str(video.parent), "--out", str(out)) == 0
    assert "looked at again" not in capsys.readouterr().err
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "any.png").write_bytes(b"")
    other.unlink()
    monkeypatch.setattr(one, "known_ways", lambda *options: ways(lambda _: played(60)))
    assert run(str(video), "--out", str(out)) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "looked at again (2)" in said
    assert "not there any more" not in said
    monkeypatch.setattr(one, "known_ways", lambda *options: ways(lambda _: played(60)))
    video.rename(tmp_path / "in" / "c.mp4")
    assert run(str(tmp_path / "in"), "--out", str(out)) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"not there any more (1, such as {video})" in said


def test_what_is_wrong_is_said_before_anything_is_made(tmp_path: Path) -> None:
    """A folder without a video, facts that are none, a folder that holds another data set."""
    video, out = str(write_video(tmp_path / "in" / "a.mp4", noise(2))), tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "facts.csv").write_text("a,b\n1,2\n")
    for words, wrong in {
        (str(tmp_path / "empty"),): "there is no video in",
        (str(tmp_path / "missing"),): "there is no",
        (video, "--facts", str(tmp_path / "facts.csv")): "has the columns a, b",
    }.items():
        with pytest.raises(NitroPilotError, match=wrong):
            run(*words, "--out", str(out))
    assert not out.exists()
    (out / "SHARD_0000").mkdir(parents=True)
    with pytest.raises(NitroPilotError, match="holds something else than a data set"):
        run(video, "--out", str(out))
    assert [path.name for path in out.iterdir()] == ["SHARD_0000"]
