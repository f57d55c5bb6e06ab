"""Fetch a checkpoint from the Hugging Face hub: only what is needed, checked, and resumed.

    <models folder>/
      namespace--name@0123456789ab/      the first 12 digits of the commit
        model.safetensors                there once its digest is right
        ng.pt.part                       what has come so far; the next pull goes on with it

The hub's own client says where files are and fetches them; the folder is ours, as the client
throws half files away when it is stopped.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nitropilot.policy.files.formats import CONFIG_NAME, PT_SUFFIXES, WEIGHTS_NAME
from nitropilot.server.errors import PullFailed
from nitropilot.server.jobs.hub import PATIENCE_S, check_name, client, first_line
from nitropilot.server.store.policies import COMMIT_DIGITS
from nitropilot.server.store.private import locked

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str, float], None]

SAFE_FILE = re.compile(r"[\w-][\w.-]{0,200}")
MAX_JSON = 4 * 2**20
MAX_FILES = 32
SPARE_BYTES = 512 * 2**20
"""Left on the disk beside what is fetched."""
PIECE = 256 * 1024
"""What is written at once, and lost when a connection breaks; the client's own is 10 MiB."""
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Wanted:
    """A file of a repository.

    Attributes:
        name: In the repository's top folder.
        size: Bytes.
        sha256: Its digest, for large files.
        git: Its git blob id, for all others.
    """

    name: str
    size: int
    sha256: str
    git: str

    def matches(self, path: Path) -> bool:
        """Whether a file has this content."""
        if path.stat().st_size != self.size:
            return False
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(usedforsecurity=False)
        if not self.sha256:
            digest.update(b"blob %d\0" % self.size)
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
        return digest.hexdigest() == (self.sha256 or self.git)


def pull(text: str, models: Path, tell: Tell) -> dict[str, Any]:
    """Fetch a checkpoint into the folder of models.

    Args:
        text: ``namespace/name[@revision]``.
        models: The folder.
        tell: Takes what is being done, and how much of all is done, from 0 to 1.

    Returns:
        ``policy`` (what to give to ``--policy``), ``repo``, ``revision``, ``files`` and how many
        bytes were fetched.

    Raises:
        PullFailed: There is no such repository, no checkpoint in it, no room, no connection, or
            what came is not what the hub says it is.
    """
    repo, revision = check_name(text, PullFailed)
    hub = client(PullFailed)
    hub.constants.DOWNLOAD_CHUNK_SIZE = PIECE
    tell(f"asking for {repo}", 0.0)
    commit, wanted = _look(hub, repo, revision)
    folder = models / f"{repo.replace('/', '--')}@{commit[:COMMIT_DIGITS]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".pull", patience_s=0):
            fetched = _fetch_all(hub, repo, commit, wanted, folder, tell)
    except OSError as error:
        raise PullFailed(
            f"{repo} could not be fetched: {first_line(error)}",
            "pull it again: what has come so far is kept",
        ) from error
    tell("done", 1.0)
    names = [file.name for file in wanted]
    policy = folder if {WEIGHTS_NAME, CONFIG_NAME} <= set(names) else folder / names[0]
    return {
        "policy": str(policy), "repo": repo, "revision": commit, "fetched": fetched,
        "files": [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in wanted],
    }  # fmt: skip


def _fetch_all(
    hub: Any, repo: str, commit: str, wanted: list[Wanted], folder: Path, tell: Tell
) -> int:
    """Fetch what is not there; bytes that came."""
    missing = [file for file in wanted if not (folder / file.name).is_file()]
    _check_room(folder, missing)
    fetched = 0
    whole = sum(file.size for file in wanted) or 1
    done = whole - sum(file.size for file in missing)
    for file in missing:
        with _Watch(folder / f"{file.name}.part", file, done, whole, tell):
            fetched += _fetch(hub, repo, commit, file, folder)
        done += file.size
    return fetched


def choose(files: list[Wanted]) -> list[Wanted]:
    """What a policy is made of: weights in the safest format there, and small JSON files.

    Raises:
        PullFailed: There are no weights.
    """
    top = [file for file in files if SAFE_FILE.fullmatch(file.name)]
    whole = [file for file in top if file.name == WEIGHTS_NAME]
    safe = [file for file in top if file.name.endswith(".safetensors")]
    pickled = [file for file in top if file.name.endswith(PT_SUFFIXES)]
    weights = whole or safe or pickled
    if not weights:
        raise PullFailed(
            "the repository holds no .safetensors and no .pt file in its top folder",
            "name one that holds a NitroGen policy",
        )
    beside = [file for file in top if file.name.endswith(".json") and file.size <= MAX_JSON]
    return [*weights[:MAX_FILES], *beside[:MAX_FILES]]


def _look(hub: Any, repo: str, revision: str | None) -> tuple[str, list[Wanted]]:
    try:
        info = hub.HfApi().model_info(
            repo, revision=revision, files_metadata=True, timeout=PATIENCE_S
        )
    except Exception as error:
        at = f"{repo}@{revision}" if revision else repo
        raise PullFailed(
            f"the hub does not give {at}: {first_line(error)}",
            "check the name; for a private or gated one log in with: hf auth login",
        ) from error
    files = [
        Wanted(
            file.rfilename, int(file.size or 0), str(file.lfs.sha256) if file.lfs else "",
            str(file.blob_id or ""),
        )
        for file in info.siblings or []
    ]  # fmt: skip
    commit = str(info.sha)
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        raise PullFailed(f"the hub names no commit of {repo}", "try again later")
    return commit, choose(files)


def _check_room(folder: Path, missing: list[Wanted]) -> None:
    there = sum(p.stat().st_size for p in folder.glob("*.part"))
    needed = sum(file.size for file in missing) - there
    free = shutil.disk_usage(folder).free
    if missing and needed + SPARE_BYTES > free:
        raise PullFailed(
            f"{needed / 2**30:.1f} GiB are to be fetched, and {folder} has {free / 2**30:.1f} free",
            "make room there, or name another folder in policies.folder",
        )


def _fetch(hub: Any, repo: str, commit: str, file: Wanted, folder: Path) -> int:
    """Fetch what is missing of a file, check it and give it its name; bytes that came."""
    part = folder / f"{file.name}.part"
    before = part.stat().st_size if part.is_file() else 0
    if before > file.size:
        part.unlink()
        before = 0
    try:
        url = hub.hf_hub_url(repo, file.name, revision=commit)
        headers = hub.utils.build_hf_headers()
        facts = hub.get_hf_file_metadata(url, headers=headers, timeout=PATIENCE_S)
        if urlsplit(facts.location).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # the storage behind the hub is another party
        with part.open("ab") as out:
            hub.file_download.http_get(
                facts.location, out, resume_size=before, headers=headers, expected_size=file.size
            )
    except Exception as error:
        raise PullFailed(
            f"{file.name} could not be fetched: {first_line(error)}",
            "pull it again: what has come so far is kept",
        ) from error
    if not file.matches(part):
        part.unlink()
        raise PullFailed(
            f"what came as {file.name} is not what the hub says it is", "pull it again"
        )
    part.replace(folder / file.name)
    return file.size - before


class _Watch:
    """Tells how a file grows, for the length of a block."""

    def __init__(self, part: Path, file: Wanted, done: int, whole: int, tell: Tell) -> None:
        self._facts = (part, file, done, whole, tell)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nitropilot-pull", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        part, file, done, whole, tell = self._facts
        while not self._over.wait(LOOK_EVERY_S):
            try:
                size = part.stat().st_size
            except OSError:
                size = 0
            tell(f"fetching {file.name}", (done + size) / whole)
