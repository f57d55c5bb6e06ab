"""``status``: which policy plays each game, what is offered, and which one needs you less often.

Where no task measures a game, the figure is takeovers a minute: of two policies that were both
played for a while, the one that you took the pad from less often is proposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.records.errors import RecordsError
from nitropilot.records.reader import read_facts
from nitropilot.server.improving.gathering import look_all
from nitropilot.simulator.benchmark.statistics.errors import StatisticsUnavailable
from nitropilot.simulator.benchmark.statistics.rates import rate_interval, same_rate
from nitropilot.training.errors import BadData
from nitropilot.training.formats.finding import find_takes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nitropilot.server.improving.history import HistoryStore
    from nitropilot.server.improving.known import Candidate, GameHistory, History

LEAST_MINUTES = 5.0
"""Of play with each of two policies, before one of them is proposed."""


class Played(NamedTuple):
    """How it went with one policy.

    Attributes:
        minutes: That it played.
        takeovers: How often a human took over.
    """

    minutes: float
    takeovers: int

    @property
    def a_minute(self) -> float:
        """Takeovers a minute."""
        return self.takeovers / self.minutes


def recordings_in(root: Path) -> list[Path]:
    """The complete recordings of a folder that may be empty, or not be there yet."""
    try:
        return find_takes([root])
    except BadData:
        return []


def update(store: HistoryStore, folders: Iterable[Path]) -> History:
    """Count the recordings that have not been counted yet.

    Args:
        store: Remembers them.
        folders: A recording each.

    Raises:
        HistoryDamaged: The file cannot be used.
    """
    known = store.read().tallies
    new = {each.name: each for each in folders if each.name not in known and _by_a_policy(each)}
    found, _ = look_all(new.values())
    return store.tally({each.id: each.tally for each in found if each.tally})


def _by_a_policy(folder: Path) -> bool:
    """Whether a recording names the policy that played; the others are none's to be counted."""
    try:
        return isinstance(read_facts(folder).get("policy"), dict)
    except RecordsError:
        return False


def status(history: History) -> list[dict[str, Any]]:
    """What is known of each game, by name, as JSON has it."""
    return [_of_game(history, game) for game in sorted(history.games)]


def played_with(history: History, game: str) -> dict[str, Played]:
    """How a game went with each policy, by its fingerprint."""
    found: dict[str, Played] = {}
    for tally in history.tallies.values():
        if tally.game == game and tally.minutes:
            before = found.get(tally.fingerprint, Played(0.0, 0))
            found[tally.fingerprint] = Played(
                before.minutes + tally.minutes, before.takeovers + tally.takeovers
            )
    return found


def _of_game(history: History, game: str) -> dict[str, Any]:
    known, played = history.game(game), played_with(history, game)
    names = {each.before: each.came_from for each in known.candidates}
    names |= {each.fingerprint: each.policy for each in known.candidates}
    return {
        "game": game,
        "used": known.used,
        "previous": known.previous,
        "offered": known.offered,
        "offers": [
            each.model_dump(mode="json") | {"id": each.offer_id} for each in known.waiting()
        ],
        "candidates": [each.model_dump(mode="json") for each in known.candidates],
        "played": [_facts(names.get(mark), mark, went) for mark, went in played.items()],
        "proposal": proposal(known, played),
    }


def _facts(policy: str | None, mark: str, went: Played) -> dict[str, Any]:
    try:
        low, high = rate_interval(went.takeovers, went.minutes)
        said = f" (95 % {low:.2f} to {high:.2f})"
    except StatisticsUnavailable:  # what was counted is said all the same
        low, high, said = None, None, ""
    return {
        "policy": policy, "fingerprint": mark, "minutes": went.minutes,
        "takeovers": went.takeovers, "per_minute": went.a_minute, "low": low, "high": high,
        "text": f"{went.takeovers} takeovers in {went.minutes:.1f} min: {went.a_minute:.2f} a "
        f"minute{said}",
    }  # fmt: skip


def proposal(known: GameHistory, played: dict[str, Played]) -> str:
    """What to do with what is offered, in words; "" where nothing is."""
    offered = known.candidate(known.offered)
    if offered is None:
        return ""
    found = (
        f"accept it: {offered.found}"
        if offered.verdict == "better"
        else _by_takeovers(offered, played)
    )
    return f"{found}{_beside(known, offered, played)}"


def _beside(known: GameHistory, offered: Candidate, played: dict[str, Played]) -> str:
    """That another policy plays now than the one that was compared; "" where none does."""
    if known.used is None or known.used == offered.came_from:
        return ""
    in_use = known.candidate(known.used)
    went = played.get(in_use.fingerprint) if in_use else None
    figures = f", {went.a_minute:.2f} takeovers a minute in {went.minutes:.1f} min" if went else ""
    return (
        f"; the old one is {offered.came_from}, which it was made of, and not "
        f"{known.used}, which plays now{figures}"
    )


def _chance(old: Played, new: Played) -> str:
    """How likely it is that equal policies are as uneven; "" where that cannot be computed."""
    try:
        p = same_rate(new.takeovers, new.minutes, old.takeovers, old.minutes)
    except StatisticsUnavailable:
        return ""
    return f", p = {p:.2g}"


def _by_takeovers(offered: Candidate, played: dict[str, Played]) -> str:
    both = (("old", offered.before), ("new", offered.fingerprint))
    went = {name: played.get(mark, Played(0.0, 0)) for name, mark in both}
    short = [
        f"{LEAST_MINUTES - one.minutes:.1f} min more with the {name} one"
        for name, one in went.items()
        if one.minutes < LEAST_MINUTES
    ]
    if short:
        return f"play {' and '.join(short)}, recorded: nothing is proposed before"
    old, new = went["old"], went["new"]
    figures = f"{new.a_minute:.2f} takeovers a minute with the new one, {old.a_minute:.2f} with "
    figures += f"the old one{_chance(old, new)}"
    if new.a_minute == old.a_minute:
        return f"either: {figures}"
    better = new.a_minute < old.a_minute
    return f"{'accept the new one' if better else 'keep the old one'}: {figures}"
