"""``nitropilot dataset``: what it prints, and what it refuses."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import av
import pytest
import typer

from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.main import app
from nitropilot.training.formats.finding import find_takes
from tests.training.making import name_of, recording

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings that teach and one that does not."""
    root = tmp_path_factory.mktemp("play")
    for number, idle_from in enumerate((40, 40, 0)):
        recording(root, number, 40, idle_from=idle_from)
    return root


def run(*words: str) -> int:
    """``nitropilot dataset WORDS`` in this process; its exit status."""
    try:
        return app(["dataset", *words], standalone_mode=False) or 0
    except typer.Exit as left:
        return left.exit_code


def test_check_names_what_teaches_nothing(play: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gate that lets everything through keeps nothing out."""
    assert run("check", str(play), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in found["recordings"]] == [name_of(n) for n in range(3)]
    assert found["useless"] == {str(play / name_of(2)): "nothing is pressed"}
    assert found["damaged"] == {}
    assert found["seconds"] == 6.0
    assert run("check", str(play / name_of(0))) == 0
    assert "RIGHT" not in capsys.readouterr().err


def test_check_goes_on_after_what_is_damaged(
    play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One bad file must not hide what is wrong with the others."""
    data = tmp_path / "data"
    shutil.copytree(play, data)
    next((data / name_of(0)).glob("*/actions_raw.parquet")).write_bytes(b"PAR1")
    assert run("check", str(data)) == 1
    said = capsys.readouterr()
    assert name_of(1) in said.out
    assert f"{data / name_of(0)} cannot be used: " in said.err
    assert f"{data / name_of(2)} teaches nothing: nothing is pressed" in said.err


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A typing error is no empty result."""
    with pytest.raises(NitroPilotError, match="there is no folder"):
        run("check", str(tmp_path / "gone"))


def scrambled(video: Path) -> None:
    """A video whose packets are all there, and none of them can be decoded."""
    whole = bytearray(video.read_bytes())
    with av.open(str(video)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux() if packet.size]
    for begin, size in places:
        whole[begin + 5 : begin + size] = bytes(size - 5)
    video.write_bytes(whole)


@pytest.mark.parametrize("how", ["empty", "undecodable"])
def test_export_makes_a_set_that_is_found_again(
    how: str, play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is given to others must be whole; what is damaged is left out and named."""
    data, out = tmp_path / "data", tmp_path / "set"
    shutil.copytree(play, data)
    if how == "empty":
        (data / name_of(0) / "video.mp4").write_bytes(b"")
    else:
        scrambled(data / name_of(0) / "video.mp4")
    assert run("export", "--data", str(data), "--out", str(out), "--json") == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["total_episodes"], found["total_frames"]) == (2, 78)
    assert found["left_out"].keys() == {str(data / name_of(0))}
    assert [path.name for path in find_takes([out])] == ["episode_000000", "episode_000001"]
    with pytest.raises(NitroPilotError, match="is there already"):
        run("export", "--data", str(data), "--out", str(out))
    with pytest.raises(NitroPilotError, match="there is no folder"):
        run("export", "--data", str(tmp_path / "gone"), "--out", str(tmp_path / "other"))
    assert {path.name for path in tmp_path.iterdir()} == {"data", "set"}
    (tmp_path / "other.part").mkdir()
    (tmp_path / "other.part" / "mine").touch()
    with pytest.raises(NitroPilotError, match=r"other.part is there already"):
        run("export", "--data", str(play), "--out", str(tmp_path / "other"))
    assert (tmp_path / "other.part" / "mine").exists(), "what was there already was removed"


def test_shift_says_that_it_cannot_tell(
    play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two seconds of play prove nothing, and no verdict must be made of them."""
    assert run("shift", str(play / name_of(0)), "--json") == 0
    said = capsys.readouterr()
    (game,) = json.loads(said.out)["games"].values()
    assert game["verdict"] == "cannot tell"
    data = tmp_path / "data"
    shutil.copytree(play, data)
    scrambled(data / name_of(1) / "video.mp4")
    assert run("shift", str(data), "--json") == 0
    said = capsys.readouterr()
    assert f"{data / name_of(1)} is left out: " in said.err
    (rest,) = json.loads(said.out)["games"].values()
    assert rest["ticks"] == 2 * game["ticks"]
    assert "squares: cannot tell: " in said.err
    assert run("shift", str(play / name_of(0))) == 0
