"""``nitropilot dataset template``: what it keeps, prints and refuses."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import typer
from PIL import Image

from nitropilot.dataset.errors import BadTemplate, NotExtracted
from nitropilot.dataset.templates import library as place
from nitropilot.dataset.templates.library import library
from nitropilot.dataset.templates.pictures import png_of
from nitropilot.server.cli.dataset.group import dataset
from tests.dataset.templates.making import FACES, made, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's library, empty; nothing comes along."""
    monkeypatch.setenv("NITROPILOT_TEMPLATES", str(tmp_path / "library"))
    monkeypatch.setattr(place, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return tmp_path / "library"


def run(*words: str) -> int:
    """``nitropilot dataset template WORDS`` in this process; its exit status."""
    try:
        return dataset(["template", *words], standalone_mode=False) or 0
    except typer.Exit as left:
        return left.exit_code


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What was printed as JSON."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_import_list_show_remove(
    tmp_path: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way of one template from a download to the bin."""
    path, atlas = write(tmp_path / "downloads", made(), "ds4")
    assert run("import", str(path)) == 0
    said = capsys.readouterr()
    assert said.out == f"{mine / 'ds4'}\n"
    assert "ds4: its codes are read by position, as most presets are" in said.err
    assert "ds4: it does not show back, right_shoulder, start" in said.err
    assert (mine / "ds4" / "atlas.png").read_bytes() == atlas.read_bytes()
    kept = json.loads((mine / "ds4" / "preset.json").read_text())
    ours = kept.pop("nitropilot")
    assert kept == json.loads(path.read_text())
    assert ours == {"name": "ds4", "family": "playstation", "codes": "position",
                    "source": "ds4.json"}  # fmt: skip
    assert run("list", "--json") == 0
    (one,) = answer(capsys)["templates"]
    assert (one["name"], one["from"], one["width"]) == ("ds4", "you", 64)
    assert one["missing"] == ["back", "right_shoulder", "start"]
    page = tmp_path / "sheet.png"
    assert run("show", "ds4", "--out", str(page)) == 0
    before = page.read_bytes()
    with pytest.raises(NotExtracted, match="is there already"):
        run("show", "ds4", "--out", str(page))
    assert page.read_bytes() == before
    with Image.open(page) as picture:
        # neutral, 13 buttons, 4 of sticks, 2 of each trigger: 22 states, five in a row
        assert picture.size == (5 * (320 + 8), 5 * (240 + 22 + 8))
    assert run("remove", "ds4") == 0
    assert run("list") == 0
    assert "ds4" not in capsys.readouterr().out
    with pytest.raises(BadTemplate, match="there is no template 'ds4'"):
        run("show", "ds4", "--out", str(tmp_path / "other.png"))
    assert not (tmp_path / "other.png").exists()


def test_every_picture_beside_a_preset_is_a_skin(
    tmp_path: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A JSON names no picture; a preview that does not fit is named, and is no skin."""
    path, atlas = write(tmp_path / "downloads", made(), "ds3")
    (path.parent / "ds3_black.PNG").write_bytes(atlas.read_bytes())
    (path.parent / "preview.png").write_bytes(png_of(np.zeros((9, 9, 4), np.uint8)))
    assert run("import", str(path), "--json") == 1
    found = answer(capsys)
    assert [each["name"] for each in found["templates"]] == ["ds3", "ds3-black"]
    (why,) = found["left_out"].values()
    assert "outside of the atlas of 9 x 9 pixels" in why
    assert library().names == ["ds3", "ds3-black"]
    with pytest.raises(BadTemplate, match="there is a template 'ds3' already"):
        run("import", str(path))
    with pytest.raises(BadTemplate, match="3 pictures would all be called 'other'"):
        run("import", str(path), "--name", "other")
    assert run("import", str(path), "--name", "other", "--atlas", str(atlas)) == 0
    assert library().names == ["ds3", "ds3-black", "other"]


def test_codes_can_be_said(tmp_path: Path, mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was said at the import is what every later command reads."""
    path, _ = write(tmp_path / "downloads", made(), "switch-pro")
    assert run("import", str(path), "--name", "usual") == 0
    assert "by label, as most presets of Switch pads are" in capsys.readouterr().err
    assert run("import", str(path), "--name", "said", "--codes", "position") == 0
    places = {
        name: (element.x, element.y)
        for name in ("usual", "said")
        for element in library().get(name).elements
        if element.name == "south"
    }
    assert places == {"usual": FACES[1], "said": FACES[0]}


def test_a_part_of_a_pad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is kept as one, so that it can be read again."""
    making = made()
    making.elements = [each for each in making.elements if each["type"] != 5]
    path, _ = write(tmp_path / "downloads", making)
    with pytest.raises(BadTemplate, match="has no element for j_left, j_right"):
        run("import", str(path))
    assert library().names == []
    assert run("import", str(path), "--partial") == 0
    assert "j_left" in capsys.readouterr().err
    assert "south" in library().get("pad").outputs


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("import", "gone.json"), "cannot be read: No such file"),
        (("import", "text.json"), "is no JSON"),
        (("import", "bare/pad.json"), "there is no PNG beside"),
        (("import", "small/pad.json"), "lies outside of the atlas of 9 x 9 pixels"),
        (("import", "small/pad.json", "--atlas", "gone.png"), "there is no picture"),
        (("import", "whole/pad.json", "--name", "My Pad"), "'My Pad' is no name"),
        (("remove", "gone"), "there is no template 'gone'"),
        (("add", "small"), "no picture is neutral"),
        (("add", "gone.png"), "there is no picture"),
        (("add", "small/pad.png", "--name", "A"), "'A' is no name"),
        (("add", "small/pad.png", "whole/pad.png"), "has 200 x 100 pixels, and .* has 9 x 9"),
    ],
)
def test_mistakes_have_one_line_and_leave_nothing(
    tmp_path: Path, mine: Path, words: tuple[str, ...], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No library is begun, and none is changed."""
    monkeypatch.chdir(tmp_path)
    for folder in ("bare", "small", "whole"):
        _, atlas = write(tmp_path / folder, made())
        if folder == "bare":
            atlas.unlink()
        elif folder == "small":
            atlas.write_bytes(png_of(np.zeros((9, 9, 4), np.uint8)))
    (tmp_path / "text.json").write_text("a text")
    if words == ("add", "small"):
        (tmp_path / "small" / "pad.png").rename(tmp_path / "small" / "south.png")
    with pytest.raises(BadTemplate, match=wrong) as caught:
        run(*words)
    assert "\n" not in caught.value.line()
    assert not mine.exists()


def test_a_broken_template_is_named(
    tmp_path: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are listed all the same."""
    path, _ = write(tmp_path / "downloads", made())
    for name in ("one", "two"):
        assert run("import", str(path), "--name", name) == 0
    (mine / "two" / "preset.json").write_text("{}")
    capsys.readouterr()
    assert run("list") == 0
    said = capsys.readouterr()
    assert "one" in said.out
    assert "two cannot be used: " in said.err


def test_adding_own_pictures(
    tmp_path: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal nothing is asked; what no picture shows is named."""
    folder = tmp_path / "My Pad"
    folder.mkdir()
    neutral = np.full((30, 40, 4), 200, np.uint8)
    for label, (x, y) in {"neutral": (0, 0), "south": (10, 10), "shot1": (20, 20)}.items():
        shown = neutral.copy()
        if label != "neutral":
            shown[y : y + 6, x : x + 6, :3] = 20
        (folder / f"{label}.png").write_bytes(png_of(shown))
    with pytest.raises(BadTemplate, match="shows at x 20 to 26, y 20 to 26 is not known"):
        run("add", str(folder))
    shot = folder / "shot1.png"
    assert run("add", str(folder), "--pressed", f"west={shot}", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["outputs"] == ["south", "west"]
    assert "my-pad: left to the learned way: back, " in said.err
    assert library().names == ["my-pad"]
    with pytest.raises(BadTemplate, match="there is a template 'my-pad' already"):
        run("add", str(folder), "--pressed", f"west={shot}")


def test_it_asks_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong answer is asked for again; an empty one means nothing."""
    for label, x in (("neutral", None), ("shot", 10)):
        shown = np.full((30, 40, 4), 200, np.uint8)
        if x:
            shown[5:12, x : x + 6, :3] = 20
        (tmp_path / f"{label}.png").write_bytes(png_of(shown))
    typed = io.StringIO("A\nleft_trigger\nup\n")
    typed.isatty = lambda: True  # type: ignore[method-assign]  # a terminal in all but this
    monkeypatch.setattr("sys.stdin", typed)
    assert run("add", str(tmp_path / "neutral.png"), str(tmp_path / "shot.png"), "--name", "a") == 0
    said = capsys.readouterr()
    assert "what has changed at x 10 to 16, y 5 to 12?" in said.err
    assert "one of back, dpad_down" in said.err
    assert library().get("a").outputs == {"left_trigger"}
