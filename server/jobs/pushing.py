"""Publish a folder with its card on the Hugging Face hub, by the hub's own client.

The client finds the token where it keeps it, resumes what was cut off (what is stored is not sent
twice), and takes large folders in several commits.  What is ours is what is pushed and what is not:
nothing without a card that names a licence, nothing hidden, nothing half written, and no link, as
videos of an extracted set are other people's.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.policy.files.formats import CONFIG_NAME, WEIGHTS_NAME
from nitropilot.server.errors import PushFailed
from nitropilot.server.jobs.hub import check_name, client, first_line
from nitropilot.server.store.policies import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Tell = Callable[[str, float], None]

CARD = "README.md"
HIDDEN = (".*", "*/.*", "*.part", "*.part/*", "*.tmp")
"""What is never pushed: what is no part of a set, and what is being written."""
NO_LICENCE = {"", "unknown", "none", "null"}
DATA_SET, MODEL = "dataset", "model"
MESSAGE = "Pushed by NitroPilot"


@dataclass(frozen=True)
class Pushed:
    """What is on the hub now.

    Attributes:
        repo: Its name.
        kind: ``dataset`` or ``model``.
        url: Its page.
        commit: The last one.
        private: Whether only its owner sees it.
        files: How many were looked at; what was there already was not sent again.
        links: How many were left out.
    """

    repo: str
    kind: str
    url: str
    commit: str
    private: bool
    files: int
    links: int


def push_folder(
    folder: Path, repo: str, kind: str, private: bool, tell: Tell, *, linked: bool = False
) -> Pushed:
    """Publish a folder.

    Args:
        folder: With a card in it.
        repo: ``namespace/name``; made if it is not there.
        kind: ``dataset`` or ``model``.
        private: Whether only its owner is to see it.
        tell: Takes what is being done, and how much of all is done, from 0 to 1.
        linked: Whether links are part of it.

    Raises:
        PushFailed: There is no card, it names no licence, the hub does not take it, or the
            repository is open to all and is not meant to be.
    """
    name, revision = check_name(repo, PushFailed)
    if revision:
        raise PushFailed(f"{repo} names a revision", "leave it out: what is pushed is the newest")
    hub = client(PushFailed)
    check_card(folder, hub)
    files, links = _listed(folder)
    if linked:
        files, links = files + links, []
    api = hub.HfApi()
    tell(f"asking for {name}", 0.0)
    try:
        api.create_repo(name, repo_type=kind, private=private, exist_ok=True)
        about = api.repo_info(name, repo_type=kind)
    except Exception as error:
        raise _refused(name, error) from error
    if private and about.private is False:
        raise PushFailed(
            f"{name} is there already, and open to all", "say --public, or name another repository"
        )
    tell(f"pushing {len(files)} files to {name}", 0.1)
    try:
        done = api.upload_folder(
            repo_id=name, repo_type=kind, folder_path=folder, commit_message=MESSAGE,
            ignore_patterns=[*HIDDEN, *_patterns(folder, links)],
        )  # fmt: skip
    except Exception as error:
        raise _refused(name, error) from error
    tell("done", 1.0)
    place = f"{api.endpoint}/{'datasets/' if kind == DATA_SET else ''}{name}"
    return Pushed(
        name, kind, place, str(done.oid), bool(about.private), len(files), len(links)
    )  # fmt: skip


def push_policy(place: Path, card: Path | str, repo: str, private: bool, tell: Tell) -> Pushed:
    """Publish a policy with its card.

    Args:
        place: Its file, or its folder.
        card: A file, or a card's text.
        repo: As in ``push_folder``.
        private: The same.
        tell: The same.

    Raises:
        PushFailed: As in ``push_folder``.
    """
    with tempfile.TemporaryDirectory(prefix="nitropilot-push-") as folder:
        staged = Path(folder)
        for file in _of_policy(place):
            _beside(file, staged / file.name)
        if isinstance(card, Path):
            shutil.copyfile(card, staged / CARD)
        else:
            (staged / CARD).write_text(card, encoding="utf-8")
        return push_folder(staged, repo, MODEL, private, tell, linked=True)


def check_card(folder: Path, hub: Any) -> None:
    """See that a folder has a card that names a licence and says something.

    Raises:
        PushFailed: It has none.
    """
    card = folder / CARD
    if not card.is_file():
        raise PushFailed(
            f"{folder} has no card", f"write {CARD}, with `license:` in its head: docs/datasets.md"
        )
    try:
        said = hub.repocard.metadata_load(card) or {}
        text = card.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise PushFailed(f"{card} cannot be read: {first_line(error)}", "mend its head") from error
    except hub.repocard.yaml.YAMLError as error:
        raise PushFailed(f"the head of {card} is no YAML: {first_line(error)}", "mend it") from None
    licence = said.get("license")
    if str(licence).strip().lower() in NO_LICENCE:
        raise PushFailed(
            f"the card {card} names no licence", "write `license: ID` into its head, such as mit"
        )
    if not text.rpartition("\n---")[2].strip("- \n"):
        raise PushFailed(f"the card {card} has no words", "write below its head what this is")


def _of_policy(place: Path) -> list[Path]:
    """The files that a policy is made of."""
    if place.is_file():
        return [place]
    names = (WEIGHTS_NAME, CONFIG_NAME)
    found = [place / name for name in names if (place / name).is_file()]
    weights = [path for path in found if path.suffix in SUFFIXES]
    if not weights:
        raise PushFailed(f"{place} holds no {WEIGHTS_NAME}", "name a policy's file or folder")
    return found


def _beside(file: Path, name: Path) -> None:
    """A link where there are some: weights are large."""
    try:
        name.symlink_to(file.resolve())
    except OSError:
        shutil.copyfile(file, name)


def _listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files that are pushed, and links."""
    files: list[Path] = []
    links: list[Path] = []
    for at, inside, names in os.walk(folder):
        inside[:] = [name for name in inside if not name.startswith(".")]
        for name in names:
            path = Path(at) / name
            if not name.startswith(".") and not name.endswith((".part", ".tmp")):
                (links if path.is_symlink() else files).append(path)
    return files, links


def _patterns(folder: Path, links: Iterable[Path]) -> list[str]:
    """What keeps the client from following links: a pattern for each folder that has no files."""
    found: dict[str, list[str]] = {}
    for link in links:
        below = link.relative_to(folder)
        found.setdefault(below.parent.as_posix(), []).append(below.as_posix())
    patterns: list[str] = []
    for parent, names in found.items():
        whole = parent != "." and not _has_files(folder / parent)
        patterns += [f"{glob.escape(parent)}/*"] if whole else map(glob.escape, names)
    return patterns


def _has_files(folder: Path) -> bool:
    return any(path.is_dir() or not path.is_symlink() for path in folder.iterdir())


def _refused(repo: str, error: Exception) -> PushFailed:
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else None
    said = first_line(error) + (f" ({first_line(cause)})" if cause else "")
    return PushFailed(
        f"the hub does not take {repo}: {said}",
        "log in with a token that may write: hf auth login; pushed again, what has arrived is kept",
    )
