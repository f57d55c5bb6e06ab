"""Presets of input-overlay: every rule of how they are drawn, and every way they can be wrong."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.errors import BadTemplate
from nitropilot.dataset.pad import Moment
from nitropilot.dataset.templates.codes import Codes
from nitropilot.dataset.templates.preset import notes, read_preset
from nitropilot.dataset.templates.template import Kind, Template
from tests.dataset.templates.making import FACES, HEIGHT, WIDTH, Making, made, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RELEASED, PRESSED = 0, 1
INDEX = {0: 1, 1: 2, 2: 3, 3: 4, "lb": 5, "j_left": 7, "j_right": 8, "lt": 9, "rt": 10,
         "guide": 11, "dpad": 12}  # fmt: skip
"""Which element of ``made`` is which."""


def colour(element: int | str, look: int) -> list[int]:
    """What ``made`` draws a look of an element with."""
    making = Making()
    making.elements = [{}] * INDEX[element]
    return list(making.colour(look)[:3])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The whole preset, read."""
    return read_preset(*write(tmp_path_factory.mktemp("a") / "mine", made()))


def seen(template: Template, moment: Moment, x: int, y: int) -> list[int]:
    """The colour of a pixel of the canvas in a state."""
    pixel = Painter(template).paint(moment)[y, x]
    return [round(255 * float(value)) for value in pixel[:3]]


def test_what_a_preset_is(template: Template) -> None:
    """Readers of videos ask for the canvas and for what can be read off it."""
    assert (template.name, template.width, template.height) == ("pad", WIDTH, HEIGHT)
    assert template.family == "generic"
    assert template.elements[0].ident == "body"
    assert template.outputs >= {"south", "guide", "left_thumb", "j_left", "dpad_up",
                                "left_trigger", "right_trigger"}  # fmt: skip
    assert "start" not in template.outputs
    said = notes(template)
    assert any("by position" in each for each in said)
    assert said[-1] == "it does not show back, right_shoulder, start"


@pytest.mark.parametrize(("code", "name"), [(0, "south"), (1, "east"), (2, "west"), (3, "north")])
def test_a_pressed_sprite_lies_below_the_released_one(
    template: Template, code: int, name: str
) -> None:
    """One pixel wrong, and a button is compared with its neighbour's looks."""
    x, y = FACES[code]
    others = frozenset({"south", "east", "west", "north"}) - {name}
    for corner in ((x, y), (x + 5, y + 5)):
        assert seen(template, Moment(), *corner) == colour(code, RELEASED)
        assert seen(template, Moment(frozenset({name})), *corner) == colour(code, PRESSED)
        assert seen(template, Moment(others), *corner) == colour(code, RELEASED)


def test_a_stick_goes_by_its_radius_and_up_for_negative_y(template: Template) -> None:
    """A mirrored stick is read as its own opposite."""
    body = [90, 90, 90]
    up = Moment(sticks=(0.0, -1.0, 0.0, 0.0))
    assert seen(template, up, 8, 27) == colour("j_left", RELEASED)
    assert seen(template, up, 8, 35) == body
    right = Moment(frozenset({"right_thumb"}), sticks=(0.0, 0.0, 1.0, 0.0))
    assert seen(template, right, 28 + 4 + 7, 30) == colour("j_right", PRESSED)
    assert seen(template, right, 31, 30) == body
    assert seen(template, right, 8, 30) == colour("j_left", RELEASED)


@pytest.mark.parametrize(
    ("direction", "full", "empty"),
    [(1, (4, 5), (4, 3)), (2, (4, 1), (4, 3)), (3, (11, 3), (6, 3)), (4, (2, 3), (7, 3))],
)
def test_a_trigger_fills_its_way(
    tmp_path: Path, direction: int, full: tuple[int, int], empty: tuple[int, int]
) -> None:
    """Filled from the wrong end, half is read as half all the same, and a quarter as none."""
    making = made()
    making.elements[INDEX["lt"]]["direction"] = direction
    template = read_preset(*write(tmp_path, making))
    half = Moment(triggers=(0.5, 0.0))
    assert seen(template, half, *full) == colour("lt", PRESSED)
    assert seen(template, half, *empty) == colour("lt", RELEASED)
    assert seen(template, Moment(triggers=(1.0, 0.0)), *empty) == colour("lt", PRESSED)


def test_a_trigger_that_is_a_button(template: Template) -> None:
    """It shows only that it is pulled at all."""
    shown = [seen(template, Moment(triggers=(0.0, p)), 50, 1) for p in (0.09, 0.1, 1.0)]
    assert shown == [colour("rt", look) for look in (RELEASED, PRESSED, PRESSED)]


def test_the_looks_of_a_dpad(template: Template) -> None:
    """Its sprites have an order of their own: left, right, up, down, then the corners."""
    ways = ("dpad_left", "dpad_right", "dpad_up", "dpad_down")
    held = [(), *((way,) for way in ways),
            *((upright, way) for upright in ways[2:] for way in ways[:2])]  # fmt: skip
    shown = [seen(template, Moment(frozenset(each)), 8, 16) for each in held]
    assert shown == [colour("dpad", look) for look in range(9)]


def test_the_player_shows_the_guide_button(template: Template) -> None:
    """The looks between are those of other players."""
    assert seen(template, Moment(), 28, 10) == colour("guide", 0)
    assert seen(template, Moment(frozenset({"guide"})), 28, 10) == colour("guide", 4)


def test_what_is_higher_is_drawn_later(tmp_path: Path) -> None:
    """A level may be text; of the same level the later one covers the earlier."""
    making = made()
    for level, index in (("7", 1), (2, 2)):
        making.elements[index] |= {"pos": [20, 20], "z_level": level}
    template = read_preset(*write(tmp_path, making))
    assert seen(template, Moment(), 20, 20) == colour(0, RELEASED)
    making.elements[1]["z_level"] = 2
    template = read_preset(*write(tmp_path / "same", making))
    assert seen(template, Moment(), 20, 20) == colour(1, RELEASED)


def test_labels_are_places_on_a_switch_pad(tmp_path: Path) -> None:
    """Its A is the right button: read as SDL's numbers, south and east are swapped in all data."""
    making = made()
    for code, place in {0: 1, 1: 0, 2: 3, 3: 2}.items():
        making.elements[INDEX[code]]["pos"] = list(FACES[place])
    path, atlas = write(tmp_path / "mine", making, "switch-pro")
    template = read_preset(path, atlas)
    assert template.family == "switch"
    assert template.facts["codes"] == "label"
    assert "by label, as most presets of Switch pads are" in template.facts["codes_note"]
    assert "places_note" not in template.facts
    for code, name in {0: "east", 1: "south", 2: "north", 3: "west"}.items():
        x, y = making.elements[INDEX[code]]["pos"]
        assert seen(template, Moment(frozenset({name})), x, y) == colour(code, PRESSED)
    asked = read_preset(path, atlas, Codes.POSITION)
    assert "is --codes label meant?" in asked.facts["places_note"]
    assert "codes_note" not in asked.facts


@pytest.mark.parametrize(
    ("folder", "stem", "family", "codes"),
    [
        ("a", "ds3_black", "playstation", "position"),
        ("Xbox KBA minimal", "pad", "xbox", "position"),
        ("Nintendo", "pad", "switch", "label"),
        ("a", "switch-pro-controller-xinput", "switch", "position"),
        ("a", "maps2", "generic", "position"),
    ],
)
def test_family_and_codes_by_name(
    tmp_path: Path, folder: str, stem: str, family: str, codes: str
) -> None:
    """What is taken unsaid must be what most presets of that name are."""
    template = read_preset(*write(tmp_path / folder, made(), stem))
    assert (template.family, template.facts["codes"]) == (family, codes)


def test_its_own_words_count_unless_others_are_said(tmp_path: Path) -> None:
    """What was said at the import must hold whenever the template is read again."""
    ours = {"name": "my-pad", "family": "switch", "codes": "position", "style": "outline"}
    path, atlas = write(tmp_path, made(), nitropilot=ours)
    template = read_preset(path, atlas)
    assert (template.name, template.family) == ("my-pad", "switch")
    assert (template.facts["codes"], template.facts["style"]) == ("position", "outline")
    assert "codes_note" not in template.facts
    other = read_preset(path, atlas, Codes.LABEL, "other")
    assert (other.name, other.facts["codes"]) == ("other", "label")


def test_other_elements_are_no_gamepads(tmp_path: Path) -> None:
    """A preset with keys and a pad is a preset with a pad."""
    making = made()
    making.elements += [{"type": 1, "id": "w"}, {"type": 9}]
    template = read_preset(*write(tmp_path, making))
    assert len(template.elements) == len(making.elements) - 2
    assert template.facts["ignored_note"] == "2 elements are no gamepad's: keyboard, mouse"


def test_two_elements_may_show_one_button(tmp_path: Path) -> None:
    """A ring beside the cap for a pressed stick: both are drawn."""
    making = made()
    making.elements.append({**making.elements[1], "pos": [20, 4]})
    template = read_preset(*write(tmp_path, making))
    pressed = Moment(frozenset({"south"}))
    for x, y in (FACES[0], (20, 4)):
        assert seen(template, pressed, x, y) == colour(0, PRESSED)


def test_a_canvas_of_no_size_is_as_large_as_its_elements(tmp_path: Path) -> None:
    """The plugin shows nothing of it, but the user sees no fault in his file."""
    making = made()
    making.elements[1]["pos"] = [70, 50]
    path, atlas = write(tmp_path, making, overlay_width=0, overlay_height=0)
    template = read_preset(path, atlas)
    assert (template.width, template.height) == (76, 56)
    assert "how large its canvas is" in template.facts["canvas_note"]


def test_what_looks_the_same_pressed_is_not_read(tmp_path: Path) -> None:
    """Two equal looks tell nothing, and whatever is read off them is noise."""
    making = made()
    for index in (INDEX["lb"], INDEX["j_left"]):
        x, y, width, height = making.elements[index]["mapping"]
        making.atlas[y + height + 3 : y + 2 * height + 3, x : x + width] = making.atlas[y, x]
    template = read_preset(*write(tmp_path, making))
    assert "j_left" in template.outputs
    assert not {"left_thumb", "left_shoulder"} & template.outputs
    assert template.facts["alike_note"].endswith("released: left_shoulder, left_thumb")
    assert [each.kind for each in template.elements].count(Kind.PICTURE) == 2


def test_a_part_of_a_pad_is_used_if_it_is_asked_for(tmp_path: Path) -> None:
    """A pad without sticks is no mistake where its owner says so."""
    making = made()
    making.elements = [each for each in making.elements if each["type"] != 5]
    path, atlas = write(tmp_path, making)
    with pytest.raises(BadTemplate, match="has no element for j_left, j_right") as caught:
        read_preset(path, atlas)
    assert "--partial" in caught.value.hint
    template = read_preset(path, atlas, partial=True)
    assert "j_left" in notes(template)[-1]
    assert not {"j_left", "left_thumb"} & template.outputs


def changed(index: int, **values: Any) -> Callable[[Making], None]:
    """What spoils an element."""

    def spoil(making: Making) -> None:
        for key, value in values.items():
            if value is None:
                del making.elements[index][key]
            else:
                making.elements[index][key] = value

    return spoil


def smaller(making: Making) -> None:
    """What spoils the picture."""
    making.atlas = np.ascontiguousarray(making.atlas[:52])


BAD = {
    "code": (changed(1, code=21), "has the code 21, which is out of range"),
    "old code": (changed(1, code=60416), "has the code 60416, which is out of range"),
    "negative code": (changed(1, code=-1), "has the code -1, which is out of range"),
    "no code": (changed(1, code=None), "has no code"),
    "code is true": (changed(1, code=True), "has the code True"),
    "side": (changed(7, side=2), "has the side 2, which is out of range"),
    "no side": (changed(9, side=None), "has no side"),
    "direction": (changed(9, direction=0), "has the direction 0, which is out of range"),
    "radius": (changed(7, stick_radius=0), "has the stick_radius 0, which is out of range"),
    "type": (changed(1, type=42), "has the type 42, which is out of range"),
    "no type": (changed(1, type=None), "has no type"),
    "pos": (changed(1, pos=[1]), r"has the pos \[1\]"),
    "mapping": (changed(1, mapping="all"), "has the mapping 'all'"),
    "mapping of no size": (changed(1, mapping=[0, 0, 0, 5]), "has a mapping of 0 x 5 pixels"),
    "half pixels": (changed(1, mapping=[0, 0.5, 2, 5]), "has the mapping"),
    "level": (changed(1, z_level="top"), "has the z_level 'top'"),
    "trigger mode": (changed(10, trigger_mode=1), "has the trigger_mode 1"),
    "mapping outside": (
        changed(1, mapping=[196, 0, 6, 6]),
        r"element 1 \('e1'\) has its mapping at \[196, 0, 6, 6\], which lies outside of the atlas "
        "of 200 x 100 pixels",
    ),
    "mapping before": (changed(1, mapping=[-1, 0, 6, 6]), "has its mapping at"),
    "pressed look outside": (
        changed(1, mapping=[64, 90, 6, 6]), r"has its pressed look at \[64, 99, 6, 6\]"
    ),
    "smaller atlas": (smaller, "lies outside of the atlas of 200 x 52 pixels"),
    "no gamepad": (
        lambda making: making.elements.__setitem__(slice(None), [{"type": 1}]),
        "has no element of a gamepad",
    ),
    "an element of text": (lambda making: making.elements.append("body"), "element 13 is 'body'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named(tmp_path: Path, case: str) -> None:
    """The file, the element, the value: whoever made it finds the place."""
    spoil, words = BAD[case]
    making = made()
    spoil(making)
    path, atlas = write(tmp_path, making)
    with pytest.raises(BadTemplate, match=words) as caught:
        read_preset(path, atlas)
    assert str(path) in str(caught.value)
    assert caught.value.hint


TEXTS = {
    "": "is no JSON",
    "{": "is no JSON",
    "\xff": "is no JSON",
    "[" * 100_000: "is no JSON",
    "[]": "has no elements",
    "{}": "has no elements",
    '{"elements": []}': "has no elements",
    '{"elements": {"a": 1}}': "has no elements",
    " " * ((4 << 20) + 1): "bytes",
    '{"elements": [1], "nitropilot": []}': "which is no object",
    '{"elements": [1], "nitropilot": {"codes": "letters"}}': "has nitropilot.codes 'letters'",
    '{"elements": [1], "nitropilot": {"partial": "yes"}}': "has nitropilot.partial 'yes'",
    '{"elements": [1], "nitropilot": {"name": "../a"}}': "has nitropilot.name '../a'",
}


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_what_is_no_preset(tmp_path: Path, number: int) -> None:
    """Any file may be given, and none of them may be a traceback."""
    text, words = list(TEXTS.items())[number]
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadTemplate, match=words):
        read_preset(path, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("size", "words"),
    [((0, -5), "canvas of 64 x -5 pixels"), ((9999, 9999), "canvas of 9999 x 9999 pixels"),
     (("wide", 5), "canvas of 'wide' x 5 pixels")],
)  # fmt: skip
def test_a_canvas_that_cannot_be(tmp_path: Path, size: tuple[Any, int], words: str) -> None:
    """It would be drawn, at whatever it costs."""
    path, atlas = write(tmp_path, made(), overlay_width=size[0], overlay_height=size[1])
    with pytest.raises(BadTemplate, match=words):
        read_preset(path, atlas)


def test_pictures_that_are_none(tmp_path: Path) -> None:
    """A picture may be missing, of another kind, cut off, or a bomb."""
    path, atlas = write(tmp_path, made())
    whole = atlas.read_bytes()
    header = whole[:16] + (60000).to_bytes(4) + (60000).to_bytes(4)
    large = header + whole[24:29] + crc(header[12:] + whole[24:29]) + whole[33:]
    for content, words in (
        (b"", "is no PNG picture"),
        (b"GIF89a" + bytes(20), "is no PNG picture"),
        (whole[: len(whole) // 2], "cannot be read|is damaged"),
        (large, "is far too large"),
    ):
        atlas.write_bytes(content)
        with pytest.raises(BadTemplate, match=words):
            read_preset(path, atlas)
    atlas.unlink()
    with pytest.raises(BadTemplate, match="there is no picture"):
        read_preset(path, atlas)


def crc(data: bytes) -> bytes:
    """What a chunk of a PNG ends in."""
    return zlib.crc32(data).to_bytes(4)


def test_a_preset_of_another_editor(tmp_path: Path) -> None:
    """Some begin with a mark that says UTF-8, and write numbers with a point."""
    path, atlas = write(tmp_path, made())
    whole = json.loads(path.read_text())
    whole["elements"][1]["code"] = 0.0
    path.write_text(json.dumps(whole), encoding="utf-8-sig")
    assert "south" in read_preset(path, atlas).outputs
