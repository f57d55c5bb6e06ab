"""The skins that come along: what their files hold, and that they are what our code draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.pad import NEUTRAL, Moment
from nitropilot.dataset.skinmaking.__main__ import main
from nitropilot.dataset.skinmaking.catalogue import SKINS
from nitropilot.dataset.skinmaking.drawing import template
from nitropilot.dataset.templates.template import ALL_OUTPUTS, Kind
from tests.dataset.skinmaking import reader

NAMES = [skin.name for skin in SKINS]
FULL = Moment(ALL_OUTPUTS, (1.0, 1.0, -1.0, -1.0), (1.0, 1.0))


def test_there_are_enough_of_every_family() -> None:
    """Who plays on one pad would find no template near to what he sees."""
    families = [skin.family for skin in SKINS]
    counts = {family: families.count(family) for family in sorted(set(families))}
    assert counts["xbox"] >= 4 and counts["playstation"] >= 4
    assert counts["switch"] >= 3 and counts["generic"] >= 3
    folders = {path.name for path in reader.SKINS.iterdir() if path.is_dir()}
    assert folders == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_skin_can_show_everything(name: str) -> None:
    """An output without an element, or with one look for both states, can never be read."""
    facts = json.loads((reader.SKINS / name / "preset.json").read_text(encoding="utf-8"))
    skin = reader.shipped(name)
    lacking = ALL_OUTPUTS - skin.outputs
    assert bool(lacking) == facts["nitropilot"]["partial"] == (name == "old-grey")
    for element in skin.elements:
        if element.kind is not Kind.PICTURE:
            looks = {look.tobytes() for look in element.looks}
            assert len(looks) == (9 if element.kind is Kind.DPAD else 2), element.ident
    assert (reader.SKINS / name / "atlas.png").stat().st_size < 120 * 1024
    assert 640 <= skin.width <= 900


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_off_at_the_canvas(name: str) -> None:
    """What reaches out of the canvas when it is pressed is outside what is masked."""
    skin = reader.shipped(name)
    painter = Painter(skin)
    for moment in (NEUTRAL, FULL):
        for element in skin.elements:
            for picture, x, y in painter.sprites(element, moment):
                rows, columns = np.nonzero(picture[..., 3])
                assert x + columns.min() >= 0 and x + columns.max() < skin.width, element.ident
                assert y + rows.min() >= 0 and y + rows.max() < skin.height, element.ident


def test_a_skin_drawn_anew_is_the_shipped_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A skin that nobody can draw again cannot be mended."""
    names = ["small-flat", "switch-outline"]
    assert main(["--out", str(tmp_path), *names]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == names
    for name in names:
        one, two = (folder / name for folder in (tmp_path, reader.SKINS))
        assert (one / "preset.json").read_text() == (two / "preset.json").read_text()
        drawn, shipped = (Image.open(folder / "atlas.png") for folder in (one, two))
        assert drawn.mode == shipped.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(shipped))


def test_a_preset_gives_back_what_was_drawn() -> None:
    """A look that is cut a pixel off, or a label taken for a position, which swaps A and B, is
    read wrongly in every video; OBS would draw it wrongly too."""
    for name in ("small-flat", "switch-outline"):
        skin = next(skin for skin in SKINS if skin.name == name)
        drawn, read = template(skin), reader.shipped(name)
        assert (drawn.width, drawn.height) == (read.width, read.height)
        by_name = {(element.kind, element.name): element for element in read.elements}
        assert len(by_name) == len(drawn.elements)
        for element in drawn.elements:
            other = by_name[element.kind, element.name]
            assert (element.x, element.y, element.radius, element.fill) == (
                other.x, other.y, other.radius, other.fill,
            )  # fmt: skip
            for one, two in zip(element.looks, other.looks, strict=True):
                np.testing.assert_array_equal(one, two)
