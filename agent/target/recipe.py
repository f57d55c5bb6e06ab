"""``Recipe``: how to start one game, and ``Target``: which game is meant, as plain data.

This room knows no game by name: see ``simulator.games``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.agent.errors import AgentError

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


@dataclass(frozen=True)
class Target:
    """Which game: exactly one of a running one (any mix of criteria) or one to launch.

    Attributes:
        window: Window handle.
        pid: Process id; windows of its children count.
        process: Executable name or a part of it.
        launch: How to start the game.
        headless: For ``launch``: private display (None: only where there is no other).
        keep: For ``launch``: leave the game running at the end (None: if it can be seen).
        display: X display, default from the environment.
    """

    window: int | None = None
    pid: int | None = None
    process: str | None = None
    launch: Recipe | None = None
    headless: bool | None = None
    keep: bool | None = None
    display: str | None = None

    def __post_init__(self) -> None:
        running = any(v is not None for v in (self.window, self.pid, self.process))
        if running == (self.launch is not None):
            raise AgentError(
                "both a running game and one to launch were named"
                if running
                else "no game was named",
                "give --window, --pid or --process (see `nitropilot windows`), or --launch",
            )
