"""``make``: level after level, until a set has as many hours as it is to have."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.made.clip import write_play
from nitropilot.dataset.made.folder import MadeLevel
from nitropilot.dataset.made.labelling import labels_of
from nitropilot.dataset.made.looks import drawn_look
from nitropilot.dataset.made.plays import PLAYED_HZ
from nitropilot.dataset.output.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nitropilot.dataset.made.folder import MadeFolder
    from nitropilot.dataset.made.plays import Plays
    from nitropilot.dataset.templates.template import Template

MOST_LOST = 20
"""Levels lost one after the other, after which nobody is taken to play that game."""
LOOKS = 31
"""Stream of random numbers of what controllers look like."""
SMALLEST, LARGEST = 128, 2048
"""Sides of pictures."""


@dataclass(frozen=True)
class Wanted:
    """How a set is made; all of it decides what is in it.

    Attributes:
        games: Which are played.
        skins: Names of those that are drawn.
        seed: Of all that is random.
        hz: Frames and rows a second.
        size: Side of the pictures in pixels.
        noisy: Share of the levels in which somebody else has the pad now and then.
    """

    games: tuple[str, ...]
    skins: tuple[str, ...]
    seed: int = 0
    hz: int = 60
    size: int = 512
    noisy: float = 0.5

    def check(self) -> None:
        """Raises NotExtracted where it is nothing that could be made."""
        wrong = (
            f"--hz is {self.hz}: it is 30 or 60" if self.hz not in (PLAYED_HZ // 2, PLAYED_HZ)
            else f"--size is {self.size}: it is even, and {SMALLEST} to {LARGEST}"
            if self.size % 2 or not SMALLEST <= self.size <= LARGEST
            else f"--noise is {self.noisy:g}: it is a share from 0 to 1"
            if not 0 <= self.noisy <= 1
            else f"--seed is {self.seed}: it is 0 or more" if self.seed < 0
            else ""
        )  # fmt: skip
        if wrong:
            what, _, hint = wrong.partition(": ")
            raise NotExtracted(what, hint)

    def plain(self) -> dict[str, Any]:
        """For a file."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def make(
    folder: MadeFolder,
    wanted: Wanted,
    hours: float,
    plays: Plays,
    templates: Sequence[Template],
    facts: Mapping[str, Facts],
    tell: Callable[[str, float], None] = lambda _what, _done: None,
) -> None:
    """Make levels until there are so many hours, as much of each game.

    Args:
        folder: Opened; what it has is not made again.
        wanted: How.
        hours: Of video.
        plays: Gives levels.
        templates: The skins that ``wanted`` names.
        facts: What is known of each game.
        tell: Is told what was made, and how much of all is, from 0 to 1.

    Raises:
        NotExtracted: There is no room, or nobody wins a game.
    """
    rows = round(hours * 3600 * wanted.hz)
    while folder.rows() < rows:
        game = min(wanted.games, key=folder.rows)
        mine = [level for level in folder.levels if level.game == game]
        lost = [level for level in mine[-MOST_LOST:] if not level.video_id]
        if len(lost) == MOST_LOST:
            raise NotExtracted(
                f"{game} was lost {MOST_LOST} times running", "take a lower share of --noise"
            )
        made = _level(folder, wanted, (game, len(mine)), plays, templates, facts[game])
        tell(made.video_id or f"{game}: a level was lost", min(folder.rows() / rows, 1.0))


def _level(
    folder: MadeFolder,
    wanted: Wanted,
    which: tuple[str, int],
    plays: Plays,
    templates: Sequence[Template],
    facts: Facts,
) -> MadeLevel:
    """Make the next level, and put it into the folder."""
    game, number = which
    play = plays(game, number)
    rng = np.random.default_rng((wanted.seed, LOOKS, *game.encode(), number))
    look = drawn_look(rng, templates, wanted.size, wanted.size)
    shown = write_play(folder.ready, play, look, wanted.hz)
    if shown is None:
        level = MadeLevel("", game)
        folder.done(level)
        return level
    name = f"{play.name}-{number:05d}"
    level = MadeLevel(name, game, len(shown.taught), shown.taught.count(False), look.template.name)
    folder.keep(level, labels_of(name, facts, shown, look, wanted.hz), _sidecar(name, facts))
    return level


def _sidecar(name: str, facts: Facts) -> dict[str, str]:
    """What yt-dlp writes beside a video, as ``output.facts`` reads it."""
    return {
        "id": name, "title": name, "game": facts.game, "creator": facts.creator,
        "genre": facts.genre, "license": facts.licence, "extractor_key": facts.source,
    }  # fmt: skip
