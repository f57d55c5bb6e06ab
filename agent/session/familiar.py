"""``unfamiliar``: one sentence for people whose policy was not trained on their game."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from nitropilot.texts import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.game import Game
    from nitropilot.engines.base import Engine

MOST_NAMED = 8
"""Games that are named; of more only the number is said."""


def unfamiliar(engine: Engine | None, game: Game | None, told: str | None) -> str:
    """That a policy was not trained on a game, and what to do about it; or "".

    Where nobody knows what it was trained on, nothing is said.  A game is known by the name that
    it is launched by, by its executable, or as a word of its window's title, as games are that
    run in an interpreter.

    Args:
        engine: Runs the policy; None before there is one.
        game: What is played; None before there is one.
        told: The name that the player gives it (``PlaySettings.game``).
    """
    if engine is None or game is None or engine.spec.trained_on is None:
        return ""
    names = [*([told] if told else []), *_names(game)]
    seen = {name.casefold() for name in (*names, *re.findall(r"\w+", game.window.title))}
    trained_on = engine.spec.trained_on
    if any(name.casefold() in seen for name in trained_on):
        return ""
    return (
        f"{engine.spec.name} was not trained on {shown(names[0]) if names else 'this game'} but on "
        f"{listed(trained_on)}: do not expect it to play well; fine-tune it with recordings of "
        "this game (nitropilot finetune), or choose another policy (--policy)"
    )


def _names(game: Game) -> Iterator[str]:
    """What a game is called, the best name first."""
    if game.launched is not None:
        yield game.launched.recipe.name
    if program := PurePath(game.window.executable.replace("\\", "/")).name.removesuffix(".exe"):
        yield program


def listed(games: tuple[str, ...]) -> str:
    """Names of games as a text."""
    if not games:
        return "no game at all"
    if len(games) > MOST_NAMED:
        return f"{len(games)} others"
    return games[0] if len(games) == 1 else f"{', '.join(games[:-1])} and {games[-1]}"
