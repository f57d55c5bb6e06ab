"""The policies that are at hand: what comes along, the models folder, the hub's cache, random ones.

Facts come from a checkpoint's header; no weight is read.  A file is looked at once for each
change of it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.errors import NitroPilotError
from nitropilot.places import home, spelled
from nitropilot.policy.files.formats import CONFIG_NAME, PT_SUFFIXES, WEIGHTS_NAME
from nitropilot.policy.naming import SHIPPED, SIZES
from nitropilot.server.store.paths import data_folder
from nitropilot.texts import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.server.store.settings import Settings

MAX_DEPTH = 4
MAX_FILES = 500
COMMIT_DIGITS = 12
"""Of a commit, in the name of the folder that it was pulled to."""
SUFFIXES = (".safetensors", *PT_SUFFIXES)


@dataclass(frozen=True)
class KnownPolicy:
    """A policy that could be played with.

    Attributes:
        name: What to give as ``policy``.
        place: ``shipped``, ``models``, ``hub`` or ``random``.
        size: Bytes; None for random weights.
        facts: What its header says; None when it cannot be used.
        error: Why not; or "".
    """

    name: str
    place: str
    size: int | None = None
    facts: dict[str, Any] | None = None
    error: str = ""


class PolicyCatalogue:
    """Finds policies.  Thread-safe."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[int, int], KnownPolicy]] = {}
        self._lock = threading.Lock()

    def all(self, models: Path) -> list[KnownPolicy]:
        """Every policy there is: what comes with NitroPilot first, random ones last."""
        with self._lock:
            found = [self._shipped(name, path) for name, path in SHIPPED.items()]
            found += [
                self._look(path, place)
                for place, root in (("models", models), ("hub", hub_cache()))
                for path in _checkpoints(root)
            ]
        return found + [KnownPolicy(f"random:{size}", "random") for size in SIZES]

    def _shipped(self, name: str, path: Path) -> KnownPolicy:
        if not path.is_file():
            error = f"{shown(path)} is missing; install NitroPilot again"
            return KnownPolicy(name, "shipped", error=error)
        return replace(self._look(path, "shipped"), name=name)

    def _look(self, path: Path, place: str) -> KnownPolicy:
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        seen = self._seen.get(str(path))
        if seen is not None and seen[0] == stamp:
            return seen[1]
        known = _describe(path, place, status.st_size)
        self._seen[str(path)] = (stamp, known)
        return known


def models_folder(settings: Settings) -> Path:
    """Where the user's checkpoints are."""
    named = settings.policies.folder
    return spelled(named) if named else data_folder() / "models"


def pulled(name: str, models: Path) -> Path | None:
    """What was pulled of a repository of the hub: what to load of the commit that came last.

    Args:
        name: ``namespace/name``, or with ``@`` and the beginning of a commit.
        models: Where it was pulled to.

    Returns:
        A checkpoint's file or folder; None where nothing of it is here, or not all of it.
    """
    repo, _, revision = name.partition("@")
    start = f"{repo.replace('/', '--')}@{revision[:COMMIT_DIGITS]}"
    folders = [path for path in _folders(models) if path.name.startswith(start)]
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True):
        weights = [path for path in _checkpoints(folder) if path.parent == folder]
        if weights and not any(folder.glob("*.part")):
            configured = weights[0].name == WEIGHTS_NAME and (folder / CONFIG_NAME).is_file()
            return folder if configured else weights[0]
    return None


def _folders(models: Path) -> list[Path]:
    return [path for path in models.iterdir() if path.is_dir()] if models.is_dir() else []


def hub_cache() -> Path:
    """The hub client's cache, found as the client does, without loading it."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    named = os.environ.get("HF_HOME")
    base = Path(named) if named else (home() or Path("~")) / ".cache" / "huggingface"
    return base / "hub"


def _checkpoints(root: Path) -> Iterator[Path]:
    """Files that look like checkpoints, not too deep and not too many."""
    count = 0
    for place, folders, names in os.walk(root):
        depth = len(Path(place).relative_to(root).parts)
        folders[:] = sorted(folders) if depth < MAX_DEPTH else []
        for name in sorted(names):
            path = Path(place) / name
            if path.suffix.lower() in SUFFIXES and path.is_file():
                count += 1
                if count > MAX_FILES:
                    return
                yield path


def _describe(path: Path, place: str, size: int) -> KnownPolicy:
    from nitropilot.policy import describe

    # A configuration beside the weights goes with them: then the folder is the policy.
    named = path.parent if path.name == WEIGHTS_NAME else path
    try:
        facts = describe(named, digest=False).model_dump(mode="json", exclude={"sha256", "file"})
    except NitroPilotError as error:
        return KnownPolicy(shown(path), place, size, error=error.line())
    return KnownPolicy(shown(named), place, size, facts)
