"""``Library``: the templates that are at hand: those that come along, and the user's own.

A template is a folder of its name with ``preset.json`` and ``atlas.png`` in it (see ``preset``);
other folders are none.  A template is read when it is asked for, and one that cannot be read is
left out and named: one bad file must not keep all videos from being read.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from nitropilot.dataset.errors import BadTemplate, NotExtracted
from nitropilot.dataset.templates.preset import NAME, check_name, read_preset
from nitropilot.places import NoPlace, of_the_user, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nitropilot.dataset.templates.template import Template

PRESET, ATLAS = "preset.json", "atlas.png"
SHIPPED = Path(__file__).parent.parent / "skins"
VARIABLE = "NITROPILOT_TEMPLATES"
"""Names another folder for the user's own templates."""


class Library:
    """Templates by name.

    Args:
        templates: Some that are there already.
        folders: Where others are, by their names; read when they are asked for.

    Attributes:
        broken: Those that could not be read, and why; what has not been asked for is not in it.
    """

    def __init__(
        self, templates: Iterable[Template] = (), folders: Mapping[str, Path] | None = None
    ) -> None:
        self.broken: dict[str, str] = {}
        self._folders = dict(folders or {})
        self._read = {template.name: template for template in templates}

    @property
    def names(self) -> list[str]:
        """Of all, sorted, whether or not they can be read."""
        return sorted({*self._folders, *self._read})

    @property
    def templates(self) -> tuple[Template, ...]:
        """All that can be read, by name; the others are in ``broken`` then."""
        return tuple(self)

    def __iter__(self) -> Iterator[Template]:
        for name in self.names:
            with suppress(BadTemplate):
                yield self.get(name)

    def __len__(self) -> int:
        return len(self.names)

    def place(self, name: str) -> Path | None:
        """The folder of a template; None for one that has none."""
        return self._folders.get(name)

    def get(self, name: str) -> Template:
        """One of them.

        Raises:
            BadTemplate: There is none of that name, or it cannot be read.
        """
        if name not in self._read:
            if name not in self._folders:
                raise BadTemplate(
                    f"there is no template {name!r}", "`nitropilot dataset template list` has all"
                )
            try:
                self._read[name] = _in_folder(name, self._folders[name])
            except BadTemplate as error:
                self.broken[name] = error.line()
                raise
        return self._read[name]


def shipped() -> Library:
    """Those that come along."""
    return Library(folders=_folders(SHIPPED))


def library(folder: Path | None = None) -> Library:
    """Those that come along, and the user's own, which win where both have a name.

    Args:
        folder: Where the user's are; None for the usual place, if there is one.
    """
    if folder is None:
        try:
            folder = user_folder()
        except NoPlace:
            return shipped()
    return Library(folders={**_folders(SHIPPED), **_folders(folder)})


def user_folder() -> Path:
    """Where the user's templates are kept.

    Raises:
        NoPlace: There is no home.
    """
    return of_the_user(lambda: str(_user_data() / "templates"), VARIABLE)


def _user_data() -> Path:
    return of_the_user(lambda: platformdirs.user_data_dir("nitropilot", False), "NITROPILOT_DATA")


def store(folder: Path, name: str, preset: Mapping[str, Any], atlas: bytes) -> Template:
    """Keep a template; whole, or not at all.

    Args:
        folder: Where the user's are; made if it is not there.
        name: The new one's.
        preset: What its JSON is to hold.
        atlas: What its PNG is to hold.

    Returns:
        The template as it is read from there.

    Raises:
        BadTemplate: There is one of that name, or it could not be read again.
        NotExtracted: It cannot be written.
    """
    check_free(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=folder))
        try:
            (part / ATLAS).write_bytes(atlas)
            (part / PRESET).write_text(json.dumps(preset, indent=2) + "\n", encoding="utf-8")
            template = _in_folder(name, part)
            part.chmod(0o755)
            check_free(folder, name)
            part.rename(folder / name)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise NotExtracted(
            f"cannot write {folder / name}: {error.strerror or error}",
            f"make room, or name another folder in {VARIABLE}",
        ) from None
    return template


def check_free(folder: Path, name: str) -> None:
    """Raise where a new template cannot have a name.

    Raises:
        BadTemplate: It is no name, or there is a template that has it.
    """
    check_name(name)
    for place in (folder / name, SHIPPED / name):
        if place.exists():
            raise BadTemplate(
                f"there is a template {name!r} already, in {place}",
                f"choose another --name, or `nitropilot dataset template remove {name}`"
                if place.parent == folder
                else "it comes along: choose another --name",
            )


def remove(folder: Path, name: str) -> None:
    """Remove one of the user's templates.

    Raises:
        BadTemplate: There is none of that name, or it comes along.
        NotExtracted: It cannot be removed.
    """
    place = folder / name
    if name not in _folders(folder):
        if name in _folders(SHIPPED):
            raise BadTemplate(
                f"the template {name!r} comes along and stays", "only your own can be removed"
            )
        raise BadTemplate(
            f"there is no template {name!r} in {folder}",
            "`nitropilot dataset template list` has all",
        )
    try:
        gone = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=folder))
        try:
            place.rename(gone / name)
        finally:
            shutil.rmtree(gone)
    except OSError as error:
        raise NotExtracted(f"cannot remove {place}: {error.strerror or error}") from None


def _folders(folder: Path) -> dict[str, Path]:
    """Those of a folder that are templates, by name."""
    try:
        found = list(spelled(folder).iterdir())
    except OSError:
        return {}
    return {path.name: path for path in found
            if NAME.fullmatch(path.name) and (path / PRESET).is_file()}  # fmt: skip


def _in_folder(name: str, folder: Path) -> Template:
    return read_preset(folder / PRESET, folder / ATLAS, name=name)
