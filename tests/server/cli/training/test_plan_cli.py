"""``nitropilot dataset plan`` and ``stats``: before a set is extracted, and while it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer

from nitropilot.dataset.extracting import one
from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.main import app
from tests.dataset.making import noise, played, ways, write_video

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str) -> int:
    """``nitropilot dataset WORDS`` in this process; its exit status."""
    return app(["dataset", *words], standalone_mode=False) or 0


def test_a_plan_is_extracted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From sidecars to a list, from the list to a set, from the set to its figures; a video that
    is not there yet is named, and taken the next time."""
    how = ways(lambda video: played(len(video.times), len(video.path.stem)))
    monkeypatch.setattr(one, "known_ways", lambda *_: how)
    videos, plan, out = tmp_path / "in", tmp_path / "plan.csv", str(tmp_path / "out")
    write_video(videos / "b.mp4", noise(40))
    for name, game in {"a": "Doom", "bb": "Quake", "b": "Quake"}.items():
        said = {"duration": 1800, "channel": "one", "game": game}
        (videos / f"{name}.info.json").write_text(json.dumps(said))

    words = ("plan", str(videos), "--cap", "0.9", "--order", "name", "--speed", "2")
    assert run(*words, "--out", str(plan), "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["videos"], figures["hours"]) == (2, 1.0)
    assert figures["over_cap"] == {"videos": 1, "hours": 0.5}
    assert figures["core_hours"] > 0.5
    assert run(*words) == 0
    assert "core-hours" in capsys.readouterr().err

    assert run("extract", "--plan", str(plan), "--out", out, "--json") == 0
    said = capsys.readouterr()
    assert [each["video_id"] for each in json.loads(said.out)] == ["b"]
    assert "1 videos of the plan are not there and are left out" in said.err
    write_video(videos / "a.mp4", noise(60))
    assert run("extract", "--plan", str(plan), "--out", out, "--json") == 0
    assert [each["video_id"] for each in json.loads(capsys.readouterr().out)] == ["a", "b"]

    assert run("stats", out, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert {name: row["videos"] for name, row in figures["by"]["game"].items()} == {
        "Doom": 1, "Quake": 1
    }  # fmt: skip
    assert run("stats", out) == 0
    assert "2 videos" in capsys.readouterr().err


def test_what_does_not_go_together_is_said(tmp_path: Path) -> None:
    """Before anything is made."""
    video, out = str(write_video(tmp_path / "a.mp4", noise(2))), str(tmp_path / "out")
    for words, wrong in {
        (video, "--plan", "plan.json"): "both .* and --plan are given",
        (): "no video is named",
        ("--plan", str(tmp_path / "gone.json")): "cannot be read",
        (video, "--ray", "nowhere"): "'nowhere' is no address of a Ray cluster",
    }.items():
        with pytest.raises(NitroPilotError, match=wrong):
            run("extract", *words, "--out", out)
    with pytest.raises(typer.BadParameter, match="it counts videos on Ray"):
        run("extract", video, "--jobs", "2", "--out", out)
    with pytest.raises(NitroPilotError, match="holds no data set of this command"):
        run("stats", str(tmp_path))
    assert not (tmp_path / "out").exists()
