"""What is kept of a task's admission, and what its verdicts depend on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.games.known import SHEET

if TYPE_CHECKING:
    from nitropilot.simulator.games.known import GameTask, KnownGame

FOLDER = "admission"
JUDGE = "judge.py"


def proofs(game: KnownGame, task: GameTask, folder: Path | None = None) -> dict[str, Any]:
    """The proofs that were played so far, by name; none if none was.

    Those of other rules, or of a version that the task is no longer tried with, prove nothing.

    Args:
        game, task: Whose.
        folder: Of the game; None: where the catalogue is.
    """
    return kept_proofs(folder or _folder(game), task.name, rules_digest(game), game.tried)


def kept_proofs(
    folder: Path, task: str, rules: str, versions: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """What a folder keeps of a task, of these rules and one of these versions."""
    path = folder / FOLDER / f"{task}.json"
    kept: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    return {
        name: proof
        for name, proof in kept.items()
        if isinstance(proof, dict)
        and proof.get("rules") == rules
        and proof.get("version") in versions
    }


def rules_digest(game: KnownGame) -> str:
    """Changes with the game's sheet and its judge: results of others are no results of these."""
    digest = hashlib.sha256()
    for name in (SHEET, JUDGE):
        path = _folder(game) / name
        text = path.read_bytes() if path.is_file() else b""
        digest.update(text.replace(b"\r\n", b"\n"))  # as a checkout on Windows may have it
    return digest.hexdigest()[:12]


def _folder(game: KnownGame) -> Path:
    return Path(__file__).parent / game.name
