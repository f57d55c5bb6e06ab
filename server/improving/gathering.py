"""``gather``: the recordings of one game that there are to learn from, and how they went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.records.errors import RecordsError
from nitropilot.records.reader import read_recording
from nitropilot.server.errors import ImproveRefused
from nitropilot.server.improving.known import Tally
from nitropilot.training.data.corrections import AGENT, HUMAN, takeovers
from nitropilot.training.formats.finding import find_takes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Went:
    """How one recording went.

    Attributes:
        folder: Where it is.
        id, game: Its name, and of what it is.
        fingerprint: Of the policy that played; "" for none, or one that is not named.
        frames: Of its video.
        agent_minutes, human_minutes: Who played, and how long.
        takeovers: How often a human took over from the agent.
        hz: Rows a second.
    """

    folder: Path
    id: str
    game: str
    fingerprint: str
    frames: int
    agent_minutes: float
    human_minutes: float
    takeovers: int
    hz: float

    @property
    def tally(self) -> Tally | None:
        """What is remembered of it; None where no policy that is known by name played."""
        if not self.fingerprint:
            return None
        return Tally(
            game=self.game, fingerprint=self.fingerprint, minutes=self.agent_minutes,
            takeovers=self.takeovers,
        )  # fmt: skip


@dataclass(frozen=True)
class Gathered:
    """What there is to learn from.

    Attributes:
        game: Of all of it.
        recordings: Each of that game, or those alone in which a human took over.
        unreadable: How many were left out because they cannot be read.
    """

    game: str
    recordings: tuple[Went, ...]
    unreadable: int

    def facts(self) -> dict[str, object]:
        """The same as JSON has it."""
        return {
            "recordings": len(self.recordings),
            "agent_minutes": round(sum(each.agent_minutes for each in self.recordings), 3),
            "human_minutes": round(sum(each.human_minutes for each in self.recordings), 3),
            "takeovers": sum(each.takeovers for each in self.recordings),
            "unreadable": self.unreadable,
        }


def look(folder: Path) -> Went:
    """How a recording went.

    Raises:
        RecordsError: It cannot be read.
    """
    recorded = read_recording(folder)
    sources = recorded.rows["source"].to_numpy(zero_copy_only=False)
    minute = 60.0 * float(recorded.facts["fps"])
    policy = recorded.facts.get("policy")
    named = policy.get("fingerprint") if isinstance(policy, dict) else None
    return Went(
        folder, str(recorded.facts["id"]), str(recorded.facts["game"]),
        named if isinstance(named, str) else "", len(sources),
        int((sources == AGENT).sum()) / minute, int((sources == HUMAN).sum()) / minute,
        len(takeovers(sources)), minute / 60.0,
    )  # fmt: skip


def look_all(folders: Iterable[Path]) -> tuple[list[Went], int]:
    """How recordings went, and how many of them cannot be read."""
    found, unreadable = [], 0
    for folder in folders:
        try:
            found.append(look(folder))
        except RecordsError:
            unreadable += 1
    return found, unreadable


def gather(places: Iterable[Path], game: str | None, only_corrected: bool) -> Gathered:
    """The recordings of a game.

    Args:
        places: Folders, as ``find_takes`` takes them.
        game: Of which; None where all are of one.
        only_corrected: Leave out those in which no human took over.

    Raises:
        BadData: There are none.
        ImproveRefused: They are of several games, or none is left.
    """
    found, unreadable = look_all(find_takes(places))
    games = sorted({each.game for each in found})
    if game is None and len(games) > 1:
        raise ImproveRefused(
            f"the recordings are of {len(games)} games: {', '.join(games)}",
            "name one with --game; each game has a policy of its own",
        )
    if game is None and games:
        game = games[0]
    kept = [each for each in found if each.game == game and (each.takeovers or not only_corrected)]
    if game is None or not kept:
        what = "in which you took over" if only_corrected else "that can be read"
        raise ImproveRefused(
            f"there is no recording of {game or 'any game'} {what}",
            f"recordings here are of {', '.join(games)}; {unreadable} cannot be read"
            if games
            else "`nitropilot recordings list` shows what is there",
        )
    return Gathered(game, tuple(kept), unreadable)


def require_rate(rates: Iterable[float], acts: float | None, resampled: float | None) -> None:
    """See that recordings have the policy's rate, or will have.

    Args:
        rates: Rows a second of each recording.
        acts: Actions a second that the policy was trained with; None where that is unknown.
        resampled: Rows a second that others are resampled to; None: they are not.

    Raises:
        ImproveRefused: They do not.
    """
    if resampled is not None:
        if acts not in (None, resampled):
            raise ImproveRefused(
                f"--hz is {resampled:g}, and the policy acts {acts:g} times a second",
                f"use --hz {acts:g}",
            )
        return
    found = sorted(set(rates))
    if acts is not None and found != [acts]:
        others = ", ".join(f"{hz:g}" for hz in found if hz != acts)
        raise ImproveRefused(
            f"there are recordings of {others} rows a second, and the policy acts {acts:g} times",
            f"have them resampled with --hz {acts:g}",
        )
    if len(found) > 1:
        raise ImproveRefused(
            f"the recordings have {len(found)} rates: {', '.join(f'{hz:g}' for hz in found)}",
            f"have them resampled to one with --hz, such as {found[-1]:g}",
        )
