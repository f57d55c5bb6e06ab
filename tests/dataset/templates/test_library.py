"""The library: what is at hand, kept whole, and not lost by one bad file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.dataset.errors import BadTemplate, NotExtracted
from nitropilot.dataset.templates import library as place
from nitropilot.dataset.templates.library import Library, library, remove, store, user_folder
from tests.dataset.templates.making import made, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], bytes]:
    """What a template is kept as."""
    path, atlas = write(tmp_path_factory.mktemp("made"), made())
    return json.loads(path.read_text()), atlas.read_bytes()


@pytest.fixture(autouse=True)
def _nothing_comes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shipped changes; these tests are of the user's own."""
    monkeypatch.setattr(place, "SHIPPED", tmp_path / "shipped")


def test_what_is_kept_is_found(tmp_path: Path, files: tuple[dict[str, Any], bytes]) -> None:
    """A template that was imported is there in the next process."""
    folder = tmp_path / "mine"
    stored = store(folder, "a-pad", *files)
    found = library(folder)
    assert found.names == ["a-pad"]
    assert len(found) == 1
    assert found.get("a-pad").outputs == stored.outputs
    assert [each.name for each in found] == ["a-pad"]
    assert found.get("a-pad") is found.templates[0]
    assert found.place("a-pad") == folder / "a-pad"
    assert (folder / "a-pad" / "atlas.png").read_bytes() == files[1]
    assert [path.name for path in folder.iterdir()] == ["a-pad"]


def test_nothing_is_overwritten(tmp_path: Path, files: tuple[dict[str, Any], bytes]) -> None:
    """A second skin of the same name must not take the place of the first."""
    store(tmp_path, "pad", *files)
    before = (tmp_path / "pad" / "preset.json").read_bytes()
    with pytest.raises(BadTemplate, match="there is a template 'pad' already"):
        store(tmp_path, "pad", {**files[0], "overlay_width": 99}, files[1])
    assert (tmp_path / "pad" / "preset.json").read_bytes() == before
    store(tmp_path / "shipped", "other", *files)
    with pytest.raises(BadTemplate, match="there is a template 'other' already") as caught:
        store(tmp_path, "other", *files)
    assert "comes along" in caught.value.hint


def test_what_cannot_be_read_again_is_not_kept(
    tmp_path: Path, files: tuple[dict[str, Any], bytes]
) -> None:
    """Half a template would be named as broken by every command from then on."""
    with pytest.raises(BadTemplate, match="is no PNG"):
        store(tmp_path / "mine", "pad", files[0], b"no picture")
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a/b", "-a", "a_b", ".a"])
def test_names_are_plain(tmp_path: Path, name: str, files: tuple[dict[str, Any], bytes]) -> None:
    """They are names of folders, on any system, and words of a command line."""
    with pytest.raises(BadTemplate, match="is no name for a template"):
        store(tmp_path, name, *files)


def test_one_broken_template_does_not_hide_the_others(
    tmp_path: Path, files: tuple[dict[str, Any], bytes]
) -> None:
    """It is named and left out."""
    for name in ("a", "b", "c"):
        store(tmp_path, name, *files)
    (tmp_path / "b" / "atlas.png").write_bytes(b"")
    (tmp_path / ".d.1.part").mkdir()
    (tmp_path / "empty").mkdir()
    found = library(tmp_path)
    assert found.names == ["a", "b", "c"]
    assert found.broken == {}
    assert [each.name for each in found.templates] == ["a", "c"]
    assert "is no PNG picture" in found.broken["b"]


def test_the_users_own_come_first(tmp_path: Path, files: tuple[dict[str, Any], bytes]) -> None:
    """A skin that comes along later under the same name takes nothing away."""
    store(tmp_path / "mine", "pad", *files)
    store(tmp_path / "shipped", "pad", {**files[0], "overlay_width": 99}, files[1])
    store(tmp_path / "shipped", "other", *files)
    assert [each.width for each in library(tmp_path / "mine")] == [64, 64]
    assert place.shipped().get("pad").width == 99


def test_where_the_users_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside all other data, unless another folder is named; without a home there are none."""
    monkeypatch.delenv("NITROPILOT_TEMPLATES", raising=False)
    monkeypatch.setenv("NITROPILOT_DATA", str(tmp_path))
    assert user_folder() == tmp_path / "templates"
    monkeypatch.setenv("NITROPILOT_TEMPLATES", str(tmp_path / "other"))
    monkeypatch.delenv("NITROPILOT_DATA")
    assert user_folder() == tmp_path / "other"
    assert library().names == []


def test_removing(tmp_path: Path, files: tuple[dict[str, Any], bytes]) -> None:
    """What comes along stays, and a name leads to no other folder."""
    store(tmp_path / "mine", "pad", *files)
    store(tmp_path / "shipped", "other", *files)
    with pytest.raises(BadTemplate, match="'other' comes along and stays"):
        remove(tmp_path / "mine", "other")
    with pytest.raises(BadTemplate, match=r"there is no template '\.\./shipped/other'"):
        remove(tmp_path / "mine", "../shipped/other")
    remove(tmp_path / "mine", "pad")
    assert list((tmp_path / "mine").iterdir()) == []
    assert library(tmp_path / "mine").names == ["other"]


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, files: tuple[dict[str, Any], bytes]
) -> None:
    """A file in its place: one line, and no traceback."""
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(NotExtracted, match="cannot write"):
        store(tmp_path / "mine", "pad", *files)


def test_a_library_of_templates_that_are_there(
    tmp_path: Path, files: tuple[dict[str, Any], bytes]
) -> None:
    """Tests and tools put one together by hand."""
    template = store(tmp_path, "pad", *files)
    assert Library([template]).get("pad") is template
    with pytest.raises(BadTemplate, match="there is no template 'x'"):
        Library([template]).get("x")
