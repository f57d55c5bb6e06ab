"""What ``--launch`` means: a known game by name, or any command line.

A game that keeps saves or settings runs with a private profile folder, so the player's real
ones are never touched.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from nitropilot.agent.errors import LaunchFailed
from nitropilot.agent.target.recipe import Recipe
from nitropilot.children import find_program
from nitropilot.simulator.games.known import KNOWN_GAMES


def find_recipe(text: str) -> Recipe:
    """The recipe for ``--launch TEXT``: a known game, or any command line.

    Raises:
        LaunchFailed: The game or program is not installed; the hint says how to get it.
    """
    if text.strip().lower() in KNOWN_GAMES:
        return KNOWN_GAMES[text.strip().lower()].recipe()
    words = [text.strip()]
    program = find_program(words[0])  # a shell took the quotes from a path with spaces
    if program is None:
        try:
            words = split_command(text, windows=sys.platform == "win32")
        except ValueError as error:
            raise LaunchFailed(
                f"cannot read the command {text!r}: {str(error).lower()}",
                "every quote needs a second one",
            ) from None
        program = find_program(words[0]) if words else None
    if program is None:
        raise LaunchFailed(
            f"cannot launch {text!r}: no such game or program",
            f"known games are {', '.join(sorted(KNOWN_GAMES))}; anything else is a command line, "
            "with quotes around a path that has spaces",
        )
    return Recipe(Path(program).stem, program, tuple(words[1:]), private_profile=False)


def split_command(text: str, windows: bool) -> list[str]:
    """The words of a command line, without their quotes.

    In Windows only ``"`` quotes, and a backslash is a part of a path.

    Raises:
        ValueError: A quote is not closed.
    """
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if windows:
        lexer.quotes, lexer.escape = '"', ""
    return list(lexer)


def installed(name: str) -> bool:
    """Whether the known game ``name`` can be started here."""
    try:
        KNOWN_GAMES[name].recipe()
    except LaunchFailed:
        return False
    return True
