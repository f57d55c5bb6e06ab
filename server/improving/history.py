"""``History``: for each game which policy plays it, which one did before, and what is offered.

One private JSON file of the user's (``improved.json``), written whole or not at all, by one
process at a time.  Policies are named in it, and stay the files that they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from nitropilot.errors import NitroPilotError
from nitropilot.policy.naming import SHIPPED, parse_random
from nitropilot.server.errors import HistoryDamaged, ImproveRefused
from nitropilot.server.options.fields import A_LIST, Options
from nitropilot.server.store.paths import data_folder
from nitropilot.server.store.private import locked, write_private
from nitropilot.texts import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILE = "improved.json"
MOST_KEPT = 50
"""Candidates of a game that are remembered; the oldest are forgotten, their files are not."""


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


class GameHistory(Options):
    """What is known of one game.

    Attributes:
        used: The policy that plays it; None where nobody has accepted any.
        previous: The one that did before; None for nothing to go back to.
        offered: The candidate that may be accepted.
        candidates: All that were made, the oldest first.
    """

    used: str | None = None
    previous: str | None = None
    offered: str | None = None
    candidates: Annotated[tuple[Candidate, ...], A_LIST] = ()


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


class HistoryStore:
    """Reads and changes the file.

    Args:
        path: The file; None for the usual one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or data_folder() / FILE

    def read(self) -> History:
        """What it says now; nothing where there is no file.

        Raises:
            HistoryDamaged: It cannot be read.
        """
        try:
            return History.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return History()
        except OSError as error:
            raise self._damaged(error.strerror or str(error)) from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "all of it"
            raise self._damaged(f"{place}: {first['msg']}") from None

    def offer(self, game: str, candidate: Candidate) -> History:
        """Remember a candidate, and offer it unless it was found worse."""

        def change(history: History) -> History:
            known = history.game(game)
            values: dict[str, object] = {
                "candidates": (*known.candidates, candidate)[-MOST_KEPT:]
            }  # fmt: skip
            if candidate.verdict != "worse":
                values["offered"] = candidate.policy
            return history.with_game(game, known.model_copy(update=values))

        return self._change(change)

    def accept(self, game: str) -> History:
        """Let the offered policy play a game.

        Raises:
            ImproveRefused: None is offered, or its file is gone.
        """

        def change(history: History) -> History:
            known = history.game(game)
            if known.offered is None:
                raise ImproveRefused(
                    f"nothing is offered for {game}", "make something with `nitropilot improve`"
                )
            require_there(known.offered)
            made_from = next(
                (c.came_from for c in reversed(known.candidates) if c.policy == known.offered), None
            )
            return history.with_game(
                game,
                known.model_copy(
                    update={
                        "used": known.offered, "previous": known.used or made_from, "offered": None
                    }
                ),
            )  # fmt: skip

        return self._change(change)

    def back(self, game: str) -> History:
        """Let the policy play that did before; the one that does now is offered again.

        Raises:
            ImproveRefused: There is none, or its file is gone.
        """

        def change(history: History) -> History:
            known = history.game(game)
            if known.previous is None:
                raise ImproveRefused(
                    f"there is nothing to go back to for {game}",
                    "one step back is kept, from each `nitropilot improve --accept`",
                )
            require_there(known.previous)
            return history.with_game(
                game,
                known.model_copy(
                    update={"used": known.previous, "previous": None, "offered": known.used}
                ),
            )

        return self._change(change)

    def tally(self, found: Mapping[str, Tally]) -> History:
        """Remember how recordings went."""
        if not found.keys() - self.read().tallies.keys():
            return self.read()
        return self._change(
            lambda history: history.model_copy(update={"tallies": {**history.tallies, **found}})
        )

    def _change(self, change: Callable[[History], History]) -> History:
        try:
            with locked(self.path):
                changed = change(self.read())
                write_private(self.path, changed.model_dump_json(indent=1) + "\n")
        except OSError as error:  # TimeoutError too
            raise HistoryDamaged(
                f"cannot write {self.path}: {error.strerror or error}",
                "what it said before still counts; make room there, or try again",
            ) from None
        return changed

    def _damaged(self, why: str) -> HistoryDamaged:
        return HistoryDamaged(
            f"{self.path} cannot be used: {why}",
            "mend it, or move it away: policies are no part of it and stay",
        )


def require_there(policy: str) -> None:
    """See that a policy can still be played.

    Raises:
        ImproveRefused: Its file is gone.
    """
    try:
        there = policy in SHIPPED or parse_random(policy) is not None or meant(policy).exists()
    except NitroPilotError:
        there = False
    if not there:
        raise ImproveRefused(
            f"the policy {policy} is not there any more",
            "put it back, name another with --policy, or `nitropilot improve --back`",
        )


def accepted(game: str | None, store: HistoryStore | None = None) -> str | None:
    """The policy that was accepted for a game; None where there is none, or the game is not said.

    Args:
        game: Its name as recordings have it: that of its process.
        store: Where it is written down; the usual place where None.

    Raises:
        HistoryDamaged: What was accepted cannot be read.
        ImproveRefused: It is not there any more.
    """
    used = (store or HistoryStore()).read().game(game).used if game else None
    if used is not None:
        require_there(used)
    return used


def the_game(history: History, named: str | None) -> str:
    """Which game is spoken of.

    Raises:
        ImproveRefused: It is not clear.
    """
    if named is not None:
        return named
    if len(history.games) == 1:
        return next(iter(history.games))
    known = ", ".join(sorted(history.games)) or "none so far"
    raise ImproveRefused("it is not said which game is meant", f"name it with --game: {known}")
