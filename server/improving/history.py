"""``History``: for each game which policy plays it, which one did before, and what is offered.

One private JSON file of the user's (``improved.json``), written whole or not at all, by one
process at a time.  Policies are named in it, and stay the files that they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from nitropilot.policy.naming import is_there
from nitropilot.server.errors import HistoryDamaged, ImproveRefused
from nitropilot.server.improving.known import MOST_KEPT, History
from nitropilot.server.store.paths import data_folder
from nitropilot.server.store.private import locked, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nitropilot.server.improving.known import Candidate, GameHistory, Tally

FILE = "improved.json"


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
            offers = known.without(candidate.policy)
            if candidate.verdict != "worse":
                offers = (*offers, candidate.policy)
            old = known.candidates[: -MOST_KEPT + 1]
            kept = tuple(each for each in old if each.policy in offers)
            values = {
                "offers": offers,
                "candidates": (*kept, *known.candidates[-MOST_KEPT + 1 :], candidate),
            }
            return history.with_game(game, known.model_copy(update=values))

        return self._change(change)

    def accept(self, game: str, offer: str | None = None) -> History:
        """Let an offered policy play a game; the other offers stay.

        Args:
            game: Which.
            offer: The candidate's id; None: the newest.

        Raises:
            ImproveRefused: None is offered, or not this one, or its file is gone.
        """

        def change(history: History) -> History:
            known = history.game(game)
            taken = _meant(game, known, offer)
            require_there(taken)
            made = known.candidate(taken)
            return history.with_game(
                game,
                known.model_copy(
                    update={
                        "used": taken,
                        "previous": known.used or (made and made.came_from),
                        "offers": known.without(taken),
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
                    update={
                        "used": known.previous,
                        "previous": None,
                        "offers": known.offers
                        if known.used is None
                        else (*known.without(known.used), known.used),
                    }
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


def _meant(game: str, known: GameHistory, offer: str | None) -> str:
    """The policy that is to be accepted.

    Raises:
        ImproveRefused: None is offered, or not this one.
    """
    if known.offered is None:
        raise ImproveRefused(
            f"nothing is offered for {game}", "make something with `nitropilot improve`"
        )
    if offer is None:
        return known.offered
    waiting = known.waiting()
    found = next((each.policy for each in waiting if each.offer_id == offer), None)
    if found is None:
        ids = ", ".join(each.offer_id for each in waiting) or "none that was made here"
        raise ImproveRefused(f"no offer for {game} is called {offer!r}", f"offers are {ids}")
    return found


def require_there(policy: str) -> None:
    """See that a policy can still be played.

    Raises:
        ImproveRefused: Its file is gone.
    """
    if not is_there(policy):
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
