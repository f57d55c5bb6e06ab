"""What is known of each game's policies: which plays, which are offered, how recordings went."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from nitropilot.server.options.fields import A_LIST, Options

ID_LENGTH = 8
MOST_KEPT = 50
"""Candidates of a game that are remembered; the oldest are forgotten, their files are not.
Those that are offered stay."""


class Candidate(Options):
    """A policy that was made by improving another.

    Attributes:
        policy: Its file.
        fingerprint: SHA-256 of the file, as recordings name it.
        came_from: The policy that it began as.
        before: Fingerprint of that one.
        made: When, as ISO 8601.
        verdict: ``better``, ``worse``, ``not shown``, or ``offered`` where nothing was measured.
        found: The same in words, with figures.
    """

    policy: str
    fingerprint: str
    came_from: str
    before: str
    made: str
    verdict: Literal["better", "worse", "not shown", "offered"]
    found: str

    @property
    def offer_id(self) -> str:
        """By which people name it."""
        return self.fingerprint[:ID_LENGTH]


class GameHistory(Options):
    """What is known of one game.

    Attributes:
        used: The policy that plays it; None where nobody has accepted any.
        previous: The one that did before; None for nothing to go back to.
        offers: The policies that may be accepted, the newest last.
        candidates: All that were made, the oldest first.
    """

    used: str | None = None
    previous: str | None = None
    offers: Annotated[tuple[str, ...], A_LIST] = ()
    candidates: Annotated[tuple[Candidate, ...], A_LIST] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_one_offer(cls, values: Any) -> Any:
        """Files of before knew one offer."""
        if not isinstance(values, dict) or "offered" not in values or "offers" in values:
            return values
        rest = {name: value for name, value in values.items() if name != "offered"}
        return {**rest, "offers": [] if values["offered"] is None else [values["offered"]]}

    @property
    def offered(self) -> str | None:
        """The newest offer."""
        return self.offers[-1] if self.offers else None

    def candidate(self, policy: str | None) -> Candidate | None:
        """What is known of a policy that was made; None: it was not, or is forgotten."""
        return next((each for each in reversed(self.candidates) if each.policy == policy), None)

    def waiting(self) -> list[Candidate]:
        """What may be accepted and was made here, the newest first."""
        return [made for each in reversed(self.offers) if (made := self.candidate(each))]

    def without(self, policy: str) -> tuple[str, ...]:
        """The offers but for one."""
        return tuple(each for each in self.offers if each != policy)


class Tally(Options):
    """How one recording went.

    Attributes:
        game: Of what.
        fingerprint: Of the policy that played.
        minutes: That it played.
        takeovers: How often a human took over.
    """

    game: str
    fingerprint: str
    minutes: float = Field(ge=0)
    takeovers: int = Field(ge=0)


class History(Options):
    """All of the file.

    Attributes:
        format: Of the file.
        games: By name.
        tallies: By recording: each counts once, and goes on counting when it is deleted.
    """

    format: Literal[1] = 1
    games: dict[str, GameHistory] = Field(default_factory=dict)
    tallies: dict[str, Tally] = Field(default_factory=dict)

    def game(self, name: str) -> GameHistory:
        """What is known of a game; nothing at first."""
        return self.games.get(name, GameHistory())

    def with_game(self, name: str, known: GameHistory) -> History:
        """The same with something else known of a game."""
        return self.model_copy(update={"games": {**self.games, name: known}})
