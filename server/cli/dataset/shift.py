"""``nitropilot dataset shift``: by how many ticks labels and pictures are apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.records.errors import RecordsError
from nitropilot.server.cli.dataset.opening import Folders, takes
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_json,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nitropilot.training.checks.shift import Shift
    from nitropilot.training.formats.take import Take


def shift(
    folders: Folders,
    delay: Annotated[
        int,
        typer.Option(min=0, max=12, help="Most ticks that the game takes to show an action."),
    ] = 1,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Most play of each game that is looked at.")
    ] = 5.0,
    each: Annotated[
        bool, typer.Option("--each", help="Each recording alone: overlays of people differ.")
    ] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Measure by how many ticks labels and pictures are apart, for each game or recording.

    Of an extracted set that is by how much the controller on screen is late.  Offset 0 is what the
    data's own times say.  A game shows an action some ticks late, so a best offset from 0 down to
    minus that delay agrees.  Exit status 1 if one does not.
    """
    from nitropilot.training.checks.shift import measure_shift

    found: dict[str, tuple[Shift, str]] = {}
    for game, its in _grouped(folders, minutes, each).items():
        measured = measure_shift(its, _named)
        found[game] = (measured, _verdict(measured, delay))
    if as_json:
        print_json({"declared": 0, "delay": delay, "recordings" if each else "games": {
            game: _facts(measured, verdict) for game, (measured, verdict) in found.items()
        }})  # fmt: skip
    else:
        _print(found, "recording" if each else "game")
    for game, (measured, verdict) in found.items():
        if verdict == "disagrees":
            print_error(f"{game}: {_advice(measured.best, delay)}")
        elif verdict == "cannot tell":
            print_note(f"{game}: cannot tell: {measured.why_not}")
    if any(verdict == "disagrees" for _, verdict in found.values()):
        raise typer.Exit(EXIT_FAILED)


def _grouped(folders: Iterable[Path], minutes: float, each: bool) -> dict[str, list[Take]]:
    """What can be read of each game, or alone, up to so many minutes; what cannot is named."""
    found: dict[str, list[Take]] = {}
    for name, take in takes(folders):
        if isinstance(take, RecordsError):
            print_error(f"{name} is left out: {take.line()}")
            continue
        its = found.setdefault(take.id if each else take.game, [])
        left = 60.0 * minutes - sum(one.rows.num_rows / one.hz for one in its)
        if left > 0:
            its.append(replace(take, rows=take.rows.slice(0, round(left * take.hz) or 1)))
    return found


def _named(take: Take, error: RecordsError) -> None:
    print_error(f"{take.folder} is left out: {error.line()}")


def _verdict(measured: Shift, delay: int) -> str:
    if measured.why_not:
        return "cannot tell"
    return "agrees" if -delay <= measured.best <= 0 else "disagrees"


def _advice(best: int, delay: int) -> str:
    """What a wrong offset means, and what can be done."""
    if best > 0:
        return (
            f"labels come {best} ticks after what they did is seen: move them {best} ticks "
            f"earlier, or train with an action shift that is larger by {best}"
        )
    return (
        f"what labels do is seen {-best} ticks after them: the game takes that long (say so with "
        f"--delay {-best}), or labels have to be moved {-best - delay} to {-best} ticks later"
    )


def _facts(measured: Shift, verdict: str) -> dict[str, Any]:
    return {
        "best": measured.best, "sure": measured.sure, "verdict": verdict,
        "why_not": measured.why_not, "ticks": measured.ticks,
        "channels": list(measured.channels),
        "scores": {str(offset): score for offset, score in measured.scores.items()},
    }  # fmt: skip


def _print(found: dict[str, tuple[Shift, str]], what: str) -> None:
    columns = (what, "ticks", "guessed", "best offset", "sure", "verdict")
    print_table("Shift", columns, [
        (game, one.ticks, ", ".join(one.channels) or "nothing",
         "" if one.why_not else f"{one.best:+d}", f"{one.sure:.0%}", verdict)
        for game, (one, verdict) in found.items()
    ])  # fmt: skip
    games = list(found)
    rows = [
        (f"{offset:+d}", *(f"{found[game][0].scores[offset]:.3f}" for game in games))
        for offset in next(iter(found.values()))[0].scores
    ] if found else []  # fmt: skip
    print_table("Scores", ("offset", *games), rows)
