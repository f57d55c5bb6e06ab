"""A template out of a user's own pictures of a controller on screen.

One picture is neutral; in each of the others one thing is pressed, pulled or moved, and all are of
the same part of the screen.  What a picture shows is the name of its file, or is said, or is asked:

    south, left_shoulder, dpad_up, ...     a button by its published name
    left_trigger                           pulled all the way; left_trigger_half shows how it fills
    j_left_x+, j_left_y-, ...              a stick fully right, fully up

What no picture shows is not read off the template: it is left to the learned way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.dataset.errors import BadTemplate
from nitropilot.dataset.pad import BUTTONS, SIDES
from nitropilot.dataset.templates.changes import Area, areas, box_of, changed, grown
from nitropilot.dataset.templates.codes import BY_POSITION, Codes, family_of
from nitropilot.dataset.templates.elements import BUTTON, FILLS, STICK, TEXTURE, TRIGGER
from nitropilot.dataset.templates.packing import Drawn, packed
from nitropilot.dataset.templates.pictures import read_picture
from nitropilot.dataset.templates.preset import NEEDED
from nitropilot.dataset.templates.shots import HALF, LABELS, MOVES, TRIGGERS
from nitropilot.dataset.templates.sticks import Move, find_cap
from nitropilot.dataset.templates.template import THUMBS, Fill

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Mask = NDArray[np.bool_]
    Ask = Callable[[str, Sequence[str]], str]
    """Asks a question with so many answers; returns one of them, or ""."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
LARGEST = 0.6
"""Of all pixels: if more of them differ, the pictures do not belong together."""
EDGE = 1
"""Pixels around a change that belong to it: the soft edges of what is drawn."""


@dataclass
class Shots:
    """Pictures that were read.

    Attributes:
        neutral: RGBA.
        shown: Pictures by what they show.
        where: From which file each came.
    """

    neutral: Picture
    shown: dict[str, Picture] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)


def preset_of(
    name: str,
    neutral: Path,
    labelled: Mapping[str, Path],
    unknown: Sequence[Path] = (),
    fill: Fill | None = None,
    lights: bool = False,
    ask: Ask | None = None,
) -> tuple[dict[str, Any], Picture]:
    """A preset and its atlas from pictures.

    Args:
        name: Of the template.
        neutral: Nothing is pressed in it.
        labelled: Pictures by one of ``LABELS`` each.
        unknown: Those of which nobody has said what they show.
        fill: Which way triggers fill, where no picture of a half-pulled one shows it.
        lights: Whether triggers do not fill, but look pressed or not.
        ask: Asks the user; None where nobody is there.

    Raises:
        BadTemplate: A picture cannot be used, or something is not known.
    """
    shots = Shots(read_picture(neutral, FORMATS))
    for label, path in labelled.items():
        _take(shots, label, path, _of_one_size(shots.neutral, path, neutral))
    for path in unknown:
        _sort(shots, path, _of_one_size(shots.neutral, path, neutral), ask)
    for trigger in TRIGGERS:
        half = f"{trigger}{HALF}"
        if half in shots.shown and trigger not in shots.shown:
            raise BadTemplate(
                f"{shots.where[half]} shows {trigger} half pulled, and no picture shows it pulled",
                f"take one of {trigger} pulled all the way",
            )
    height, width = shots.neutral.shape[:2]
    body = shots.neutral.copy()
    sticks = _sticks(shots, body)
    taken = np.zeros((height, width), bool)
    plain = [_button(shots, label, body, taken) for label in BUTTONS if label in shots.shown]
    pulled = [
        _trigger(shots, label, body, taken, _fills(shots, label, fill, lights, ask))
        for label in TRIGGERS if label in shots.shown
    ]  # fmt: skip
    drawn = [Drawn("body", TEXTURE, 0, 0, (body,)), *plain, *pulled, *sticks]
    outputs = {*shots.shown} | {f"j_{side}" for side in SIDES
                                if any(one.ident == f"j_{side}" for one in sticks)}  # fmt: skip
    ours: dict[str, Any] = {
        "name": name, "family": family_of(name), "codes": str(Codes.POSITION),
        "source": "own pictures",
    }  # fmt: skip
    if not outputs.issuperset(NEEDED):
        ours["partial"] = True
    return packed(drawn, width, height, ours)


def _of_one_size(neutral: Picture, path: Path, first: Path) -> Picture:
    picture = read_picture(path, FORMATS)
    if picture.shape != neutral.shape:
        sizes = [f"{each.shape[1]} x {each.shape[0]}" for each in (picture, neutral)]
        raise BadTemplate(
            f"the picture {path} has {sizes[0]} pixels, and {first} has {sizes[1]}",
            "take all of them of the same part of the screen",
        )
    return picture


def _take(shots: Shots, label: str, path: Path, picture: Picture) -> None:
    """Note what a picture shows."""
    if label not in LABELS:
        raise BadTemplate(
            f"{label!r} is nothing that a picture can show", f"one of {', '.join(LABELS)}"
        )
    if label in shots.shown:
        raise BadTemplate(
            f"{shots.where[label]} and {path} would both show {label}", "one of them is enough"
        )
    mask = changed(shots.neutral, picture)
    if not mask.any():
        raise BadTemplate(
            f"the picture {path} looks as the neutral one does",
            f"take one with {label} pressed, or leave it out",
        )
    _whether_one(mask, path)
    shots.shown[label], shots.where[label] = picture, str(path)


def _whether_one(mask: Mask, path: Path) -> None:
    """Raise for a picture of something else."""
    if mask.mean() > LARGEST:
        raise BadTemplate(
            f"the picture {path} differs from the neutral one nearly everywhere",
            "take all of them at one place, with nothing that moves behind the controller",
        )


def _sort(shots: Shots, path: Path, picture: Picture, ask: Ask | None) -> None:
    """Have the user say what each changed area of a picture is."""
    mask = changed(shots.neutral, picture)
    _whether_one(mask, path)
    for area in areas(mask):
        where = _said(area)
        if ask is None:
            raise BadTemplate(
                f"what the picture {path} shows at {where} is not known",
                f"say it with --pressed BUTTON={path}, or name the file after it",
            )
        label = ask(f"{path.name}: what has changed at {where}?", LABELS)
        if label:
            alone = shots.neutral.copy()
            alone[area.mask] = picture[area.mask]
            _take(shots, label, path, alone)


def _said(area: Area) -> str:
    box = area.box
    return f"x {box.left} to {box.right}, y {box.top} to {box.bottom}"


def _button(shots: Shots, label: str, body: Picture, taken: Mask) -> Drawn:
    box, looks = _looks(shots, label, body, taken)
    code = BY_POSITION.index(label)
    return Drawn(label, BUTTON, box[0], box[1], looks, {"code": code})


def _trigger(
    shots: Shots, label: str, body: Picture, taken: Mask, fill: Fill | None
) -> Drawn:  # fmt: skip
    box, looks = _looks(shots, label, body, taken)
    values: dict[str, Any] = {"side": TRIGGERS.index(label), "trigger_mode": fill is None}
    if fill is not None:
        values["direction"] = next(number for number, way in FILLS.items() if way is fill)
    return Drawn(label, TRIGGER, box[0], box[1], looks, values)


def _looks(
    shots: Shots, label: str, body: Picture, taken: Mask
) -> tuple[tuple[int, int], tuple[Picture, Picture]]:
    """Where a change is, and both of its looks; it is cut out of the body.

    A pixel belongs to one element alone: what is half clear must not be drawn twice.
    """
    picture = shots.shown[label]
    mask = grown(changed(shots.neutral, picture), EDGE) & ~taken
    if not mask.any():
        raise BadTemplate(
            f"the picture {shots.where[label]} shows {label} where others are",
            "press one thing at a time, and the directions of a d-pad one by one",
        )
    box = box_of(mask)
    part = (slice(box.top, box.bottom), slice(box.left, box.right))
    looks = [each[part].copy() for each in (shots.neutral, picture)]
    for look in looks:
        look[~mask[part]] = 0
    body[mask] = 0
    taken |= mask
    return (box.left, box.top), (looks[0], looks[1])


def _fills(
    shots: Shots, label: str, fill: Fill | None, lights: bool, ask: Ask | None
) -> Fill | None:
    """Which way a trigger fills; None if it only looks pressed or not."""
    half = shots.shown.get(f"{label}{HALF}")
    if half is not None:
        return _way_of(changed(shots.neutral, shots.shown[label]), changed(shots.neutral, half))
    if fill is not None or lights:
        return fill
    if ask is None:
        raise BadTemplate(
            f"it is not known which way {label} fills", "say --fill up, down, left, right or none"
        )
    answer = ask(f"which way does {label} fill?", [*map(str, Fill), "none"])
    return None if answer in ("", "none") else Fill(answer)


def _way_of(full: Mask, half: Mask) -> Fill | None:
    """Which way a trigger fills, by what has changed of it when it is half pulled."""
    box = box_of(full)
    down, across = np.nonzero(half & full)
    if not len(down) or half.sum() > 0.9 * full.sum():
        return None
    x = (across.mean() + 0.5 - box.left) / box.width - 0.5
    y = (down.mean() + 0.5 - box.top) / box.height - 0.5
    if abs(y) >= abs(x):
        return Fill.UP if y > 0 else Fill.DOWN
    return Fill.RIGHT if x < 0 else Fill.LEFT


def _sticks(shots: Shots, body: Picture) -> list[Drawn]:
    """The sticks that are moved in some picture; the body loses their caps."""
    found = []
    for side in SIDES:
        moves = [Move(axis, sign, shots.shown[label])
                 for label, (its, axis, sign) in MOVES.items()
                 if its == side and label in shots.shown]  # fmt: skip
        if not moves:
            continue
        cap = find_cap(shots.neutral, moves)
        if cap is None:
            first = next(label for label in MOVES if label in shots.shown and side in label)
            raise BadTemplate(
                f"the picture {shots.where[first]} shows no stick that has moved",
                "push it all the way to one side, and touch nothing else",
            )
        box = cap.box
        part = (slice(box.top, box.bottom), slice(box.left, box.right))
        pressed = cap.look
        thumb = shots.shown.pop(THUMBS[side], None)
        if thumb is not None:
            shows = (cap.look[..., 3] > 0) | changed(shots.neutral, thumb)[part]
            pressed = thumb[part].copy()
            pressed[~shows] = 0
        body[part] = cap.under
        values = {"side": SIDES.index(side), "stick_radius": cap.radius}
        found.append(Drawn(f"j_{side}", STICK, box.left, box.top, (cap.look, pressed), values))
    return found
