"""``Finding``: the result of one check of this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable


class Level(StrEnum):
    """How a check went."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: What was checked.
        level: ``ok``; ``note`` for something missing that has a substitute; ``problem``
            for something that stops play.
        detail: What was found.
        hint: The fix, when there is something to fix.
    """

    name: str
    level: Level
    detail: str
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        """For printing."""
        return {key: str(value) for key, value in asdict(self).items()}


def attempt(name: str, action: Callable[[], str], bad: Level) -> Finding:
    """Do something; what it returns is fine, and what it raises is of level ``bad``."""
    try:
        return Finding(name, Level.OK, action())
    except NitroPilotError as error:
        return Finding(name, bad, str(error), error.hint)
