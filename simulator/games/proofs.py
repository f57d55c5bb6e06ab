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


def proofs(game: KnownGame, task: GameTask) -> dict[str, Any]:
    """The proofs that were played so far, by name; none if none was."""
    path = _folder(game) / FOLDER / f"{task.name}.json"
    kept: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    return kept


def rules_digest(game: KnownGame) -> str:
    """Changes with the game's sheet and its judge: results of others are no results of these."""
    digest = hashlib.sha256()
    for name in (SHEET, JUDGE):
        path = _folder(game) / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:12]


def _folder(game: KnownGame) -> Path:
    return Path(__file__).parent / game.name
