"""The identity of a policy, without loading it, and of the code that an engine is made with.

Hashing a checkpoint of 2 GB takes seconds, and reading its header needs torch; so the
digest is remembered under the file's path, size, time and inode.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from contextlib import suppress
from pathlib import Path

from nitropilot.engines.cache import cache_folder
from nitropilot.policy import fingerprint
from nitropilot.policy.naming import SHIPPED, from_root, parse_adapted
from nitropilot.texts import meant

MEMORY = "fingerprints.json"
REMEMBERED = 200
NO_CODE = (".pyc", ".safetensors", ".json")
"""Files in packages that no engine is made with: a policy has a fingerprint of its own."""


def fingerprint_of(policy: str) -> str:
    """The fingerprint of a policy as commands name it (see ``policy.open_policy``).

    Raises:
        PolicyError, CheckpointError: There is no such policy.
    """
    state = _state(policy)
    if state is None:
        return fingerprint(policy)
    memory = _recall()
    if state not in memory:
        memory[state] = fingerprint(policy)
        _remember(memory)
    return memory[state]


def code_version(*names: str) -> str:
    """A digest of modules' sources, and of all files there are in packages.

    None of them is imported; the packages that they are in are.
    """
    digest = hashlib.sha256()
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name, name=name)
        files = [Path(spec.origin)]
        if spec.submodule_search_locations:
            found = Path(spec.origin).parent.rglob("*")
            files = sorted(file for file in found if file.is_file() and file.suffix not in NO_CODE)
        for file in files:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def stored_bytes(policy: str) -> int | None:
    """What the files of a policy hold; None for random weights, or without files."""
    stats = _stats(policy)
    return sum(one.st_size for one in stats) if stats else None


def _state(policy: str) -> str | None:
    """What changes with the files of a checkpoint; None for random weights, or without files."""
    if not (stats := _stats(policy)):
        return None
    numbers = [(s.st_size, s.st_mtime_ns, s.st_ino, s.st_dev) for s in stats]
    return f"{from_root(policy)} {numbers}"


def _stats(policy: str) -> list[os.stat_result]:
    """Of the files that a policy lies in; none for random weights, or without files."""
    if policy.startswith("random:"):
        return []
    if pair := parse_adapted(policy):
        return [one for each in pair for one in _stats(each)]
    path = SHIPPED[policy] if policy in SHIPPED else meant(policy)
    files = (
        [path / name for name in ("model.safetensors", "config.json")] if path.is_dir() else [path]
    )
    if not path.is_dir() and path.name == "model.safetensors":
        files.append(path.with_name("config.json"))
    try:
        return [file.stat() for file in files if file.exists()]
    except OSError:
        return []


def _recall() -> dict[str, str]:
    try:
        memory = json.loads((cache_folder("engines") / MEMORY).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(memory, dict):
        return {}
    return {k: v for k, v in memory.items() if isinstance(v, str) and len(v) == 64}


def _remember(memory: dict[str, str]) -> None:
    path = cache_folder("engines") / MEMORY
    beside = path.with_name(f"{MEMORY}.{os.getpid()}.part")
    with suppress(OSError):  # the next start hashes again
        beside.write_text(json.dumps(dict(list(memory.items())[-REMEMBERED:])), "utf-8")
        beside.replace(path)
