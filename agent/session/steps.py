"""How many Euler steps a play's policy takes, where that is asked for.

``auto`` takes the number that was measured to play best (rows of ``policy.steps_rows``) of those
whose chunk is ready in time on this machine (``engines.chunk_times``).  In real time a chunk must
take less than half of what its actions last, as for ``--mode auto``; paused, the game waits as long
as it takes.  What was not measured is not chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.agent.errors import AgentError
from nitropilot.agent.play.modes import REALTIME_SHARE
from nitropilot.agent.play.settings import Mode
from nitropilot.policy.euler import AUTO, check_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nitropilot.agent.play.settings import PlaySettings
    from nitropilot.engines.base import Engine
    from nitropilot.policy.euler import Steps
    from nitropilot.policy.steps_rows import StepsRow


@dataclass(frozen=True)
class StepsChoice:
    """What was chosen.

    Attributes:
        steps: Euler steps; None: as many as the policy says.
        reason: Why.
    """

    steps: int | None
    reason: str


def rows_for(table: Sequence[StepsRow], actions: int) -> list[StepsRow]:
    """The rows that were measured with so many actions of a chunk, best first.

    Of those that play alike the one with fewer steps comes first.
    """
    fitting = [row for row in table if row.actions == actions]
    return sorted(fitting, key=lambda row: (-row.success, -row.progress, row.steps))


def choose_steps(
    rows: Sequence[StepsRow], seconds: Mapping[int, float], playing: float, mode: Mode
) -> StepsChoice:
    """The best row whose chunk is there in time.

    Args:
        rows: Of ``rows_for``: best first.
        seconds: What a chunk takes here, by number of steps; rows without a figure do not count.
        playing: Seconds that the played actions of a chunk last.
        mode: What the game does meanwhile; ``auto``: it runs on if any row allows that.
    """
    timed = [row for row in rows if row.steps in seconds]
    if not timed:
        return StepsChoice(None, "auto: none of what was measured could be timed here")
    limit = REALTIME_SHARE * playing
    quick = [row for row in timed if seconds[row.steps] < limit]
    if mode is not Mode.PAUSED and quick:
        best = quick[0]
        fits = f"less than half of the {playing * 1000:.0f} ms that it plays"
        return StepsChoice(best.steps, f"auto: {_told(best, seconds)}, {fits}")
    if mode is Mode.REALTIME:
        fastest = min(timed, key=lambda row: seconds[row.steps])
        late = f"and none is ready in half of the {playing * 1000:.0f} ms that it plays"
        return StepsChoice(fastest.steps, f"auto: {_told(fastest, seconds)}, the least, {late}")
    return StepsChoice(timed[0].steps, f"auto: {_told(timed[0], seconds)} for which the game waits")


def _told(row: StepsRow, seconds: Mapping[int, float]) -> str:
    return (
        f"won {row.success:.0%} of {row.levels} levels with {row.actions} actions of a chunk, "
        f"which takes {seconds[row.steps] * 1000:.1f} ms"
    )


def open_with_steps(
    opened: Callable[[int | None], Engine], steps: Steps | None, policy: str, settings: PlaySettings
) -> Engine:
    """The engine with the steps that were asked for.

    Args:
        opened: Opens it with so many, or with the policy's own.
        steps: What was asked for; None: nothing.
        policy: As commands name it; "" where a policy server decides.
        settings: How it is to be played.

    Raises:
        PolicyError: No sampler takes so many.
        AgentError: ``auto``, and a policy server decides.
        NitroPilotError: It cannot be opened.
    """
    if steps is None:
        return opened(None)
    if steps != AUTO:
        engine = opened(check_steps(steps))
        engine.own_steps, engine.steps_reason = False, "asked for"
        return engine
    if not policy:
        raise AgentError(
            "steps is auto, and a policy server decides, which takes its own",
            "leave --steps out, or start the server with it",
        )
    engine = opened(None)
    try:
        choice = _chosen(engine, opened, policy, settings)
        if choice.steps not in (None, engine.spec.steps):
            engine.close()
            engine = opened(choice.steps)
            engine.own_steps = False
    except BaseException:
        engine.close()
        raise
    engine.steps_reason = choice.reason
    return engine


def _chosen(
    own: Engine, opened: Callable[[int], Engine], policy: str, settings: PlaySettings
) -> StepsChoice:
    from nitropilot.engines.chunk_times import chunk_seconds  # not on a rented card's machine
    from nitropilot.policy.files.steps_table import steps_table  # it needs torch

    settings = settings.of(own.spec)
    played = settings.played(own.spec)
    table = steps_table(policy)
    rows = rows_for(table, played)
    if not rows:
        measured = sorted({row.actions for row in table})
        only = f", only with {', '.join(map(str, measured))}" if measured else ""
        return StepsChoice(
            None,
            f"auto: the policy's own: nothing was measured with {played} actions of a chunk{only}",
        )
    seconds = chunk_seconds(opened, own, [row.steps for row in rows])
    return choose_steps(rows, seconds, played / settings.hz, settings.mode)
