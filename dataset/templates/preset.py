"""A preset of the OBS plugin input-overlay, which is what a template is as files.

    preset.json     where each element is on the canvas and in the picture
    atlas.png       all of their looks

An object ``nitropilot`` in the JSON, which the plugin does not see, may say more of it: ``name``,
``family``, ``codes``, ``style``, ``source``, and ``partial`` where it shows not all that is needed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.errors import BadTemplate
from nitropilot.dataset.templates.codes import (
    FAMILIES,
    SWAPPED,
    Codes,
    family_of,
    usual_codes,
)
from nitropilot.dataset.templates.elements import OTHERS, as_it_shows, element_of
from nitropilot.dataset.templates.entry import Entry, short, whole_number
from nitropilot.dataset.templates.pictures import MOST_PIXELS, read_picture
from nitropilot.dataset.templates.template import ALL_OUTPUTS, Element, Kind, Template

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

OURS = "nitropilot"
"""The object of a preset that is for us alone."""
NEEDED = ("south", "east", "west", "north", "j_left", "j_right")
"""Outputs without which a template is only a part of a gamepad."""
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MOST_JSON = 4 << 20
"""Bytes of a preset: those of whole keyboards have a hundredth of that."""
NOTE = "_note"
"""What keys of ``Template.facts`` end in whose values are to be said to whoever imports it."""
_PLAIN = ("style", "source")
_SIZE = ("overlay_width", "overlay_height")


@dataclass(frozen=True)
class Preset:
    """A preset's file, before its picture is looked at.

    Attributes:
        path: Where it is.
        whole: All of it.
        elements: What it lists.
        ours: What it says to us; checked.
    """

    path: Path
    whole: dict[str, Any]
    elements: list[Any]
    ours: dict[str, Any]


def read_preset(
    path: Path,
    atlas: Path,
    codes: Codes | None = None,
    name: str | None = None,
    partial: bool | None = None,
) -> Template:
    """A preset and its picture as a template.

    Args:
        path: The JSON.
        atlas: The PNG.
        codes: What its numbers mean; None for what it says itself, or most like it do.
        name: Of the template; None for what it says itself, or for the picture's.
        partial: Whether it may lack what is needed; None for what it says itself.

    Raises:
        BadTemplate: One of the two cannot be read, or does not fit the other.
    """
    return template_of(read_json(path), atlas, codes, name, partial)


def read_json(path: Path) -> Preset:
    """A preset's file.

    Raises:
        BadTemplate: It cannot be read, is no preset, or has no elements.
    """
    try:
        size = path.stat().st_size
        if size > MOST_JSON:
            raise BadTemplate(f"{path} has {size} bytes", f"a preset has at most {MOST_JSON}")
        whole = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadTemplate(f"the preset {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadTemplate(f"{path} is no JSON: {error}", "name a preset of input-overlay") from None
    elements = whole.get("elements") if isinstance(whole, dict) else None
    if not isinstance(elements, list) or not elements:
        raise BadTemplate(f"{path} has no elements", "name a preset of input-overlay")
    return Preset(path, whole, elements, _ours(path, whole.get(OURS, {})))


def template_of(
    preset: Preset,
    atlas: Path,
    codes: Codes | None = None,
    name: str | None = None,
    partial: bool | None = None,
) -> Template:
    """The template that a preset makes with one of its pictures; see ``read_preset``."""
    stem, ours = preset.path.stem, preset.ours
    family = ours.get("family") or family_of(stem, atlas.stem, preset.path.parent.name)
    facts = {key: ours[key] for key in _PLAIN if key in ours}
    if codes is None and "codes" not in ours:
        codes, why = usual_codes(family, stem)
        facts["codes_note"] = f"its codes are read by {codes}, {why}; --codes says otherwise"
    codes = codes or Codes(ours["codes"])
    partial = bool(ours.get("partial")) if partial is None else partial
    listed = _listed(preset, read_picture(atlas), codes)
    elements = tuple(as_it_shows(each) for each in listed)
    facts |= {"codes": str(codes)} | ({"partial": "true"} if partial else {})
    facts |= _notes(preset, codes, listed, elements)
    width, height = _canvas(preset, listed)
    name = name or ours.get("name") or name_of(preset.path, atlas)
    template = Template(name, width, height, elements, family, facts)
    _whether_enough(preset, template, partial)
    return template


def notes(template: Template) -> list[str]:
    """What is to be said of a template that was read."""
    said = [text for key, text in template.facts.items() if key.endswith(NOTE)]
    missing = sorted(ALL_OUTPUTS - template.outputs)
    return [*said, f"it does not show {', '.join(missing)}"] if missing else said


def name_of(path: Path, atlas: Path) -> str:
    """A template's name after its files': the picture's, unless that says nothing."""
    plain = {"", "atlas", "overlay", "preset", "layout", "config", "image", "texture"}
    words = map(slug, (atlas.stem, path.stem, path.parent.name))
    return next((word for word in words if word not in plain), "template")


def slug(text: str) -> str:
    """Any text as a template's name; "" if nothing of it can be in one."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def check_name(name: str) -> str:
    """The name, if it is one.

    Raises:
        BadTemplate: It has other characters than names have.
    """
    if not NAME.fullmatch(name):
        raise BadTemplate(
            f"{name!r} is no name for a template", "small letters, digits and - between them"
        )
    return name


def _ours(path: Path, said: object) -> dict[str, Any]:
    """What a preset says to us, checked."""
    hint = f"mend or remove it: see the page on extracting for what {OURS!r} may hold"
    if not isinstance(said, dict):
        raise BadTemplate(f"{path} has {OURS} {short(said)}, which is no object", hint)
    allowed = {"family": FAMILIES, "codes": [str(each) for each in Codes]}
    for key, value in said.items():
        kind = bool if key == "partial" else str
        wrong = not isinstance(value, kind) or (key in allowed and value not in allowed[key])
        if wrong or (key == "name" and not NAME.fullmatch(str(value))):
            raise BadTemplate(f"{path} has {OURS}.{key} {short(value)}", hint)
    return said


def _listed(preset: Preset, atlas: NDArray[np.uint8], codes: Codes) -> list[Element]:
    """Its elements in the order in which they are drawn."""
    found: list[tuple[int, Element]] = []
    for number, values in enumerate(preset.elements):
        where = f"{preset.path}: element {number}"
        if not isinstance(values, dict):
            raise BadTemplate(f"{where} is {short(values)}", "an object belongs there")
        where += f" ({short(values['id'])})" if "id" in values else ""
        entry = Entry(where, values, atlas)
        level = entry.whole("z_level", -(1 << 31), 1 << 31) if "z_level" in values else 0
        element = element_of(entry, codes)
        if element is not None:
            found.append((level, element))
    if not found:
        raise BadTemplate(
            f"{preset.path} has no element of a gamepad", "presets of keyboards cannot be read"
        )
    return [element for _, element in sorted(found, key=lambda each: each[0])]


def _canvas(preset: Preset, elements: list[Element]) -> tuple[int, int]:
    """Its width and height; what it does not say is its elements' extent."""
    extent = (max(e.x + e.size[0] for e in elements), max(e.y + e.size[1] for e in elements))
    said = [preset.whole.get(key) or int(size) for key, size in zip(_SIZE, extent, strict=True)]
    width, height = (whole_number(size) or 0 for size in said)
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        raise BadTemplate(
            f"{preset.path} has a canvas of {short(said[0])} x {short(said[1])} pixels",
            "overlay_width and overlay_height say its size",
        )
    return width, height


def _notes(
    preset: Preset, codes: Codes, listed: list[Element], elements: tuple[Element, ...]
) -> dict[str, str]:
    """What is worth saying of it."""
    found = {}
    if not all(preset.whole.get(key) for key in _SIZE):
        found["canvas_note"] = "it does not say how large its canvas is: as large as its elements"
    if ignored := len(preset.elements) - len(listed):
        kinds = {OTHERS[whole_number(each["type"]) or 0] for each in preset.elements
                 if whole_number(each["type"]) in OTHERS}  # fmt: skip
        found["ignored_note"] = f"{ignored} elements are no gamepad's: {', '.join(sorted(kinds))}"
    shown = frozenset[str]().union(*(each.outputs for each in elements))
    alike = frozenset[str]().union(*(each.outputs for each in listed)) - shown
    if alike:
        found["alike_note"] = f"pressed, these look as they do released: {', '.join(sorted(alike))}"
    other = Codes.LABEL if codes is Codes.POSITION else Codes.POSITION
    places = {e.name: e for e in elements if e.kind is Kind.BUTTON and e.name in SWAPPED}
    swapped = {SWAPPED[name]: element for name, element in places.items()}
    if len(places) == len(SWAPPED) and not _in_place(places) and _in_place(swapped):
        found["places_note"] = (
            f"read by {codes}, its lowest face button is not south; read by {other} it is: "
            f"is --codes {other} meant?"
        )
    return found


def _in_place(faces: dict[str, Element]) -> bool:
    """Whether the four face buttons are where their names say."""
    across = {name: e.x + e.size[0] / 2 for name, e in faces.items()}
    down = {name: e.y + e.size[1] / 2 for name, e in faces.items()}
    return (
        max(across, key=across.__getitem__) == "east"
        and min(across, key=across.__getitem__) == "west"
        and max(down, key=down.__getitem__) == "south"
        and min(down, key=down.__getitem__) == "north"
    )


def _whether_enough(preset: Preset, template: Template, partial: bool) -> None:
    """Raise for a template that shows too little."""
    missing = [name for name in NEEDED if name not in template.outputs]
    if missing and not partial:
        alike = f": {template.facts['alike_note']}" if "alike_note" in template.facts else ""
        raise BadTemplate(
            f"{preset.path} has no element for {', '.join(missing)}{alike}",
            "say --partial if it is to be used all the same",
        )
