"""``SecondJudge``: holds what the game says of itself against what its picture shows.

The first judge reads the game's output, and decides.  Where the picture shows the same fact, such
as a row of hearts, it is read from there as well; whatever differs is told, and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTLE = 12
"""Looks for which both have to say the same two things: a game that was stopped between its words
and its picture, or counts a number up before one's eyes, contradicts nobody."""


@dataclass(frozen=True)
class Disagreement:
    """Two judges that do not read the same.

    Attributes:
        fact: Its name.
        game, picture: What each of them says.
        game_time: When it began, in seconds of game time.
    """

    fact: str
    game: Any
    picture: Any
    game_time: float


class SecondJudge:
    """Of one episode.

    Attributes:
        disagreements: All so far; one that stays is there once.
    """

    def __init__(self) -> None:
        self.disagreements: list[Disagreement] = []
        self._since: dict[str, tuple[Any, Any, float, int]] = {}

    def look(self, shown: Mapping[str, Any], said: Mapping[str, Any], game_time: float) -> None:
        """Compare one picture's facts with the game's; what only one of them has is left out."""
        for fact in shown.keys() & said.keys():
            picture, game = shown[fact], said[fact]
            if picture == game:
                self._since.pop(fact, None)
                continue
            before = self._since.get(fact)
            since, looks = game_time, 0
            if before is not None and before[:2] == (game, picture):
                since, looks = before[2:]
            self._since[fact] = (game, picture, since, looks + 1)
            if looks + 1 == SETTLE:
                self.disagreements.append(Disagreement(fact, game, picture, since))
