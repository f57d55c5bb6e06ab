"""From a preset's files to templates of the user's library: each picture is a skin of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.errors import BadTemplate
from nitropilot.dataset.templates.library import check_free, store
from nitropilot.dataset.templates.preset import (
    OURS,
    check_name,
    name_of,
    read_json,
    template_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nitropilot.dataset.templates.codes import Codes
    from nitropilot.dataset.templates.preset import Preset
    from nitropilot.dataset.templates.template import Template


@dataclass
class Imported:
    """What came of an import.

    Attributes:
        templates: Those that were kept.
        left_out: Pictures that do not fit the preset, and why.
    """

    templates: list[Template] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def import_preset(
    path: Path,
    folder: Path,
    atlases: Sequence[Path] = (),
    codes: Codes | None = None,
    name: str | None = None,
    partial: bool | None = None,
) -> Imported:
    """Keep a preset with each of its pictures.

    Args:
        path: The JSON; what it says is kept as it is, with what was decided here added to it.
        folder: Of the user's library.
        atlases: The pictures; none for every PNG that lies beside the JSON.
        codes: What its numbers mean; None for what it says itself, or most like it do.
        name: Of the template, where it is one.
        partial: Whether it may lack what is needed.

    Raises:
        BadTemplate: No picture fits, or a name is taken; then nothing was kept.
        NotExtracted: There is no room.
    """
    preset = read_json(path)
    pictures = list(atlases) or _beside(path)
    if name is not None and len(pictures) > 1:
        raise BadTemplate(
            f"{len(pictures)} pictures would all be called {check_name(name)!r}",
            "say which one is meant with --atlas",
        )
    found = Imported()
    errors: list[BadTemplate] = []
    read: list[tuple[Path, Template]] = []
    for atlas in pictures:
        known = name if len(pictures) == 1 else name_of(path, atlas)
        try:
            read.append((atlas, template_of(preset, atlas, codes, known, partial)))
        except BadTemplate as error:
            errors.append(error)
            found.left_out[str(atlas)] = error.line()
    if not read:
        raise errors[0]
    _check_names(folder, read)
    for atlas, template in read:
        store(folder, template.name, _with_ours(preset, template), atlas.read_bytes())
        found.templates.append(template)
    return found


def _beside(path: Path) -> list[Path]:
    """The pictures in a preset's folder."""
    found = sorted(each for each in path.parent.iterdir() if each.suffix.lower() == ".png")
    if not found:
        raise BadTemplate(f"there is no PNG beside {path}", "say where its picture is: --atlas")
    return found


def _check_names(folder: Path, read: list[tuple[Path, Template]]) -> None:
    """Raise if a name is taken, or would be by another of them."""
    first: dict[str, Path] = {}
    for atlas, template in read:
        check_free(folder, template.name)
        if template.name in first:
            raise BadTemplate(
                f"{first[template.name].name} and {atlas.name} would both be called "
                f"{template.name!r}",
                "import them one by one, with --atlas and --name",
            )
        first[template.name] = atlas


def _with_ours(preset: Preset, template: Template) -> dict[str, Any]:
    """The preset with what is known of the template now."""
    ours = {**preset.ours, "name": template.name, "family": template.family}
    ours["codes"] = template.facts["codes"]
    ours.setdefault("source", preset.path.name)
    if "partial" in template.facts:
        ours["partial"] = True
    return {**preset.whole, OURS: ours}
