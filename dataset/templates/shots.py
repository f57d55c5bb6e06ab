"""A user's pictures of a controller on screen, sorted by what they show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nitropilot.dataset.errors import BadTemplate
from nitropilot.dataset.pad import BUTTONS, SIDES
from nitropilot.dataset.templates.preset import slug
from nitropilot.places import spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

NEUTRAL = "neutral"
TRIGGERS = tuple(f"{side}_trigger" for side in SIDES)
HALF = "_half"
MOVES = {
    f"j_{side}_{axis}{sign}": (side, "xy".index(axis), 1 if sign == "+" else -1)
    for side in SIDES for axis in "xy" for sign in "+-"
}  # fmt: skip
"""A stick fully to one side: which, along which axis, and which way."""
LABELS = (*BUTTONS, *TRIGGERS, *(f"{name}{HALF}" for name in TRIGGERS), *MOVES)
"""What a picture may show."""
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass
class Given:
    """Files by what they show.

    Attributes:
        neutral: Nothing is pressed.
        name: What a template of them may be called.
        labelled: By one of ``LABELS`` each.
        unknown: The others.
    """

    neutral: Path
    name: str
    labelled: dict[str, Path] = field(default_factory=dict)
    unknown: list[Path] = field(default_factory=list)


def sorted_pictures(
    paths: Sequence[Path], neutral: Path | None = None, pressed: Iterable[str] = ()
) -> Given:
    """What each file shows, by its name or by what was said.

    Args:
        paths: Pictures, or folders of some.
        neutral: The one with nothing pressed; None for the one that is called so, or the first.
        pressed: ``LABEL=FILE`` each.

    Raises:
        BadTemplate: There is no picture, or two would show the same.
    """
    files = [file for path in paths for file in _files(path)]
    neutral = neutral or _neutral(files)
    said = dict(_said(each) for each in pressed)
    name = slug(neutral.stem)
    if name.startswith(NEUTRAL):
        name = slug(neutral.parent.name)
    given = Given(neutral, name or "template")
    for label, file in [*said.items(), *((_label(file), file) for file in files)]:
        if file == neutral or (file in said.values() and said.get(label) != file):
            continue
        if label not in LABELS:
            given.unknown.append(file)
        elif given.labelled.setdefault(label, file) != file:
            raise BadTemplate(
                f"{given.labelled[label]} and {file} would both show {label}", "one is enough"
            )
    return given


def _files(path: Path) -> list[Path]:
    """A picture, or those of a folder."""
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.iterdir() if each.suffix.lower() in ENDINGS)
    if not found:
        raise BadTemplate(f"{path} holds no picture", f"those end in {', '.join(ENDINGS)}")
    return found


def _label(file: Path) -> str:
    """What a file's name says that it shows."""
    return file.stem.lower()


def _neutral(files: Sequence[Path]) -> Path:
    """The picture that is called so; else the first that is called after nothing else."""
    called = [file for file in files if _label(file).startswith(NEUTRAL)]
    plain = [file for file in files if _label(file) not in LABELS]
    if not plain:
        raise BadTemplate(
            "no picture is neutral", "call one neutral.png, or say which it is: --neutral"
        )
    return (called or plain)[0]


def _said(text: str) -> tuple[str, Path]:
    """``LABEL=FILE``, the file from where the user stands."""
    label, _, file = text.partition("=")
    if label not in LABELS or not file:
        raise BadTemplate(
            f"--pressed {text!r} says no BUTTON=PICTURE", f"BUTTON is one of {', '.join(LABELS)}"
        )
    return label, spelled(file)
