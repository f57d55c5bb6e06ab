"""Plan files: what TensorRT compiled, in a file of one's own that says what it is.

    NITROPILOT PLAN 1\n
    {"about": {"spec": {...}, "key": {...}, "probe": [...]}, "sha256": "..."}\n
    zeros up to a multiple of 4096, then the library's bytes

A plan is as good as code: it is built here, never fetched, readable by its owner alone, and
read into memory and hashed before a library is let near it.  Next to the policy's facts it
holds all that a start needs, so that neither torch nor the checkpoint is loaded.

The same form keeps the kernels that ``tensorrt_rtx`` finished for a card (``kernels``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import shutil
import stat
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nitropilot.engines.base import PolicySpec
from nitropilot.engines.cache import cache_folder
from nitropilot.engines.errors import EngineError

log = logging.getLogger("nitropilot.engines")

MAGIC = b"NITROPILOT PLAN 1\n"
PAGE = 4096
MAX_HEADER = 4 * 2**20
KEPT = 8
"""Plans kept in the cache; those not used for longest make room."""
LEFT_S = 86_400.0
"""A file that is being written is not as old as this."""
BINARY = getattr(os, "O_BINARY", 0)
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class PlanRejected(EngineError):
    """A plan file cannot be used; it can be built again unless somebody else owns it."""

    code = "plan_rejected"


class PlanUnsafe(PlanRejected):
    """Somebody else could have written it."""


@dataclass(frozen=True)
class PlanKey:
    """What a plan was made of; another value of any of these is another plan.

    Attributes:
        fingerprint: Of the policy.
        precision: As in ``bfloat16``.
        target: The card: ``sm89``.
        library: ``tensorrt_rtx`` or ``tensorrt``.
        version: Of the library.
        graph: ``graph_version()``.
        platform: System and processor: plans do not move between them.
        kind: ``plan``, or ``kernels`` for what the library keeps beside.
    """

    fingerprint: str
    precision: str
    target: str
    library: str
    version: str
    graph: str
    platform: str
    kind: str = "plan"

    @property
    def file_name(self) -> str:
        """A name that people can read and that differs where the key does."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return f"{self.fingerprint[:12]}-{self.precision}-{self.target}-{digest}.{self.kind}"

    @property
    def path(self) -> Path:
        """Where it is in the cache."""
        return plans_folder() / self.file_name


@dataclass(frozen=True)
class Plan:
    """A checked plan.

    Attributes:
        spec: The policy that it computes.
        key: What it was made of.
        content: The library's bytes.
        probe: What it has to compute for the probe (see ``plan_probe``), row by row.
    """

    spec: PolicySpec
    key: PlanKey
    content: bytes | memoryview
    probe: tuple[float, ...] = ()

    @property
    def about(self) -> dict[str, Any]:
        """All but the content, as JSON has it."""
        parts = {"spec": dataclasses.asdict(self.spec), "key": dataclasses.asdict(self.key)}
        return {**parts, "probe": list(self.probe)}


def plans_folder() -> Path:
    """The cache's folder for plans; only this user can read or write it."""
    return cache_folder("engines", "tensorrt")


def write_plan(path: Path, plan: Plan) -> int:
    """Write a plan beside ``path``, then rename it; returns the bytes of the file.

    Raises:
        EngineError: The disk is full, say.
    """
    header = json.dumps({"about": plan.about, "sha256": _digest(plan.about, plan.content)})
    head = MAGIC + header.encode() + b"\n"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        with os.fdopen(made, "wb") as file:
            file.write(head + bytes(-len(head) % PAGE))
            file.write(plan.content)
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise EngineError(
            f"cannot write the compiled policy to {path}: {error.strerror or error}",
            "make room on the disk, or name another folder in NITROPILOT_CACHE",
        ) from error
    finally:
        with suppress(OSError):  # it is there only after a failure
            part.unlink()
    return size


def read_plan(path: Path, key: PlanKey | None = None) -> Plan:
    """Read and check a plan.

    Args:
        path: The file.
        key: What it must have been made of; None for anything.

    Raises:
        PlanUnsafe: Somebody else owns it or could have written to it.
        PlanRejected: It is damaged, cut off, or made of something else.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | BINARY | NOFOLLOW), "rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            head, content = _parts(path, file.read())
    except OSError as error:
        raise PlanRejected(f"cannot read {path}: {error.strerror or error}") from None
    try:
        about = head["about"]
        found = PlanKey(**about["key"])
        spec = PolicySpec.read(about["spec"])
        probe = tuple(about["probe"])
        digest = head["sha256"]
    except (LookupError, TypeError) as error:
        raise PlanRejected(f"{path} has a damaged header ({error})") from None
    if _digest(about, content) != digest:
        raise PlanRejected(f"{path} has changed since it was written")
    if key is not None and found != key:
        wanted = dataclasses.asdict(key)
        differs = [
            name for name, value in dataclasses.asdict(found).items() if value != wanted[name]
        ]
        raise PlanRejected(f"{path} was made for another {' and '.join(differs)}")
    return Plan(spec, found, content, probe)


def find_plan(key: PlanKey) -> Plan | None:
    """The plan for ``key`` in the cache; one that is damaged is removed.

    Raises:
        PlanUnsafe: Somebody else could have written it.
    """
    path = key.path
    if not os.path.lexists(path):
        return None
    try:
        plan = read_plan(path, key)
    except PlanUnsafe:
        raise
    except PlanRejected as error:
        log.warning("%s: making it again", error)
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)
    return plan


def prune() -> None:
    """Remove from the cache what killed builds left, and all but the ``KEPT`` newest plans."""
    folder = plans_folder()
    for path in folder.glob(".*"):
        if time.time() - path.stat().st_mtime > LEFT_S:
            _remove(path)
    for kind in ("plan", "kernels"):
        kept = sorted(folder.glob(f"*.{kind}"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-KEPT]:
            log.info("removing %s from the cache, which was not used for longest", path.name)
            _remove(path)


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _digest(about: Any, content: bytes | memoryview) -> str:
    """Of everything that a plan file says."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    digest.update(content)
    return digest.hexdigest()


def _parts(path: Path, raw: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header, and the library's bytes, which begin on a page."""
    end = raw.find(b"\n", len(MAGIC), MAX_HEADER)
    if not raw.startswith(MAGIC) or end < 0:
        raise PlanRejected(f"{path} is no plan of NitroPilot")
    try:
        head = json.loads(raw[len(MAGIC) : end])
    except (ValueError, RecursionError) as error:
        raise PlanRejected(f"{path} has a damaged header ({error})") from None
    if not isinstance(head, dict):
        raise PlanRejected(f"{path} has a damaged header (not an object)")
    begin = -(-(end + 1) // PAGE) * PAGE
    return head, memoryview(raw)[begin:]


def _check_owner(path: Path, info: os.stat_result) -> None:
    if sys.platform != "win32":  # there, a profile's folders are the user's own
        remove = f"remove {path}, and it is built again"
        if info.st_uid != os.geteuid():
            raise PlanUnsafe(f"{path} belongs to user {info.st_uid}, not {os.geteuid()}", remove)
        mode = stat.S_IMODE(info.st_mode)
        if mode & 0o022:
            raise PlanUnsafe(f"{path} can be written by others (mode {mode:04o})", remove)
