"""Which version of a known game is installed: asked of the game itself, once in a process."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nitropilot.simulator.games.known import KnownGame

PATIENCE_S = 60.0


def installed_version(game: KnownGame) -> str:
    """The version that is installed; "" if the game does not say.

    Raises:
        LaunchFailed: It is not installed.
    """
    return _said(game.recipe().program, game.asked, game.answers)


@cache
def _said(program: str, asked: tuple[str, ...], answers: str) -> str:
    try:
        done = subprocess.run(
            [program, *asked], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(answers, done.stdout.decode(errors="replace"))
    return found[1] if found else ""
