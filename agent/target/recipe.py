"""``Recipe``: how to start one game, as plain data.

This room knows no game by name: see ``simulator.catalogue``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = "{profile}"
"""Stands in a recipe's arguments for its private profile folder, which each launch makes anew."""


@dataclass(frozen=True)
class Recipe:
    """How to start one game.

    Attributes:
        name: What a player types after ``--launch``.
        program: Path of the executable.
        arguments: What follows it, with ``PROFILE`` for the private profile folder.
        private_profile: Whether HOME and the XDG folders point into a throw-away folder.
            Without one nothing in the arguments is replaced.
        environment: Extra variables, as pairs of name and value.
        opening: Buttons that lead from the first picture into play, each with the
            seconds to wait before it; pressed by ``agent.target.opening``.
    """

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    private_profile: bool = True
    environment: tuple[tuple[str, str], ...] = ()
    opening: tuple[tuple[float, str], ...] = ()

    def command(self, profile: Path) -> list[str]:
        """Program and arguments, for a launch with this profile folder."""
        if not self.private_profile:
            return [self.program, *self.arguments]
        return [self.program, *(word.replace(PROFILE, str(profile)) for word in self.arguments)]
