"""``unfamiliar``: one sentence for people whose policy was not trained on their game."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from nitropilot.texts import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.agent.target.game import Game
    from nitropilot.engines.base import Engine, PolicySpec

MOST_NAMED = 8
"""Games that are named; of more only the number is said."""


def unfamiliar(engine: Engine | None, game: Game | None, told: str | None) -> str:
    """That a policy was not trained on a game, and what to do about it; or "".

    Args:
        engine: Runs the policy; None before there is one.
        game: What is played; None before there is one.
        told: The name that the player gives it (``PlaySettings.game``).
    """
    if engine is None or game is None:
        return ""
    launched = game.launched.recipe.name if game.launched is not None else ""
    program = PurePath(game.window.executable.replace("\\", "/")).name.removesuffix(".exe")
    names = [name for name in (told, launched, program) if name]
    return sentence(engine.spec, names, game.window.title)


def sentence(spec: PolicySpec, names: Sequence[str], title: str) -> str:
    """The same of a game by its names; where nobody knows the policy's games, nothing is said.

    Args:
        spec: Of the policy.
        names: What the game is launched as and what its executable is called, the best name first.
        title: Of its window: a game that runs in an interpreter has its name there, as a word.
    """
    if spec.trained_on is None:
        return ""
    seen = {name.casefold() for name in (*names, *re.findall(r"\w+", title))}
    if any(name.casefold() in seen for name in spec.trained_on):
        return ""
    game = shown(names[0]) if names else "this game"
    return (
        f"{spec.name} was not trained on {game} but on {listed(spec.trained_on)}: do not expect it "
        "to play well; fine-tune it with recordings of this game (nitropilot finetune), or choose "
        "another policy (--policy)"
    )


def listed(games: tuple[str, ...]) -> str:
    """Names of games as a text."""
    if not games:
        return "no game at all"
    if len(games) > MOST_NAMED:
        return f"{len(games)} others"
    return games[0] if len(games) == 1 else f"{', '.join(games[:-1])} and {games[-1]}"
