"""The three ways to play an episode: what game time does while a policy decides.

``paused``     it stands still.  Nothing depends on how long the policy thinks.
``lockstep``   the same, and nothing depends on the machine either: the environment sees to that.
``realtime``   it goes on, 60 steps a second of the wall's clock, with what is planned.  An answer's
               actions are for the ticks that the policy's shift says; those for ticks that are over
               are dropped, never played late, and where nothing is planned the pad rests.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.records.timeline import TickGrid, Timeline
from nitropilot.simulator.benchmark.policies.errors import RUBBISH, PolicyFailed
from nitropilot.simulator.benchmark.policies.player import Look
from nitropilot.simulator.benchmark.runner.stage import REST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.card import Card
    from nitropilot.simulator.benchmark.runner.mind import Mind
    from nitropilot.simulator.benchmark.runner.stage import Stage

FRESH = 4
"""A real-time policy is asked again when a quarter of its answer has been played, as ``play``
does, or as soon as it has answered."""


@dataclass
class Misses:
    """What was late in real time.

    Attributes:
        deadlines: Answers of which an action was for a tick that was over.
        dropped: Actions that were.
        ticks: Ticks that nothing was there for: the pad rested.
    """

    deadlines: int = 0
    dropped: int = 0
    ticks: int = 0


def play(stage: Stage, mind: Mind, track: str, chunk: int | None = None) -> Misses:
    """Play an episode to its end.

    Args:
        stage: Where.
        mind: What decides.
        track: "paused", "realtime" or "lockstep".
        chunk: How many actions of an answer are played in the first and the last; None: all.

    Raises:
        PolicyFailed: The policy failed.
        GameFailed: The game did.
    """
    if track == "realtime":
        return _Realtime(stage, mind).play()
    _play_paused(stage, mind, chunk)
    return Misses()


def _play_paused(stage: Stage, mind: Mind, chunk: int | None) -> None:
    card, tick = mind.card, 0
    planned: list[NDArray[np.float32]] = []
    while not stage.over:
        answer = mind.decide(Look(stage.picture, stage.info, tick))
        timeline = _timeline(card, answer)
        most = len(answer) - timeline.stale
        now, planned = timeline.lay(planned, list(answer), min(chunk or most, most), REST)
        for action in now:
            if _hold(stage, action, card.hold):
                return
            tick += 1


def _timeline(card: Card, answer: Actions) -> Timeline:
    timeline = Timeline(card.shift, len(answer), card.spacing)
    if timeline.stale >= len(answer):
        raise PolicyFailed(
            RUBBISH,
            f"{len(answer)} actions, the first of them {-card.shift} ticks before the picture",
            "at least one has to be for a tick that is not over",
        )
    return timeline


def _hold(stage: Stage, action: NDArray[np.float32], steps: int) -> bool:
    """Play one tick; whether the episode is over."""
    for _ in range(steps):
        stage.step(action)
        if stage.over:
            return True
    return False


class _Realtime:
    """One episode against the wall's clock."""

    def __init__(self, stage: Stage, mind: Mind) -> None:
        self._stage, self._mind, self._card = stage, mind, mind.card
        self._plan: dict[int, NDArray[np.float32]] = {}
        self._misses = Misses()
        self._asked: int | None = None  # the picture's tick, while an answer is waited for
        self._again = 0  # the tick at which to ask next

    def play(self) -> Misses:
        """Until the end.  Tick n + 1 is the one after n ticks have been played."""
        grid = TickGrid(time.perf_counter(), self._card.hz)
        played = 0
        while True:
            if self._asked is None and played >= self._again:
                self._asked = played
                self._mind.ask(Look(self._stage.picture, self._stage.info, played))
            self._listen(grid.due(played), played)
            action = self._plan.pop(played + 1, None)
            if action is None:
                self._misses.ticks += 1
            if self._hold(grid, played, REST if action is None else action):
                return self._misses
            played += 1
            if (over := self._stage.steps // self._card.hold) > played:  # the game did not wait
                self._drop(over)
                played = over
                grid = TickGrid(time.perf_counter() - over * grid.period, self._card.hz)

    def _drop(self, over: int) -> None:
        """What was planned for ticks that are over."""
        late = [tick for tick in self._plan if tick <= over]
        for tick in late:
            del self._plan[tick]
        self._misses.dropped += len(late)

    def _listen(self, due: float, played: int) -> None:
        """Wait until the next tick is due; take an answer that comes meanwhile."""
        if self._asked is not None and (answer := self._mind.answer(due)) is not None:
            first = self._asked + _timeline(self._card, answer).shift
            late = min(max(played + 1 - first, 0), len(answer))
            self._misses.deadlines += late > 0
            self._misses.dropped += late
            self._plan.update({first + i: answer[i] for i in range(late, len(answer))})
            self._again = self._asked + max(len(answer) // FRESH, 1)
            self._asked = None
        _sleep(due)

    def _hold(self, grid: TickGrid, played: int, action: NDArray[np.float32]) -> bool:
        hold = self._card.hold
        for step in range(hold):
            _sleep(grid.due(played) + step * grid.period / hold)
            self._stage.step(action)
            if self._stage.over:
                return True
        return False


def _sleep(until: float) -> None:
    if (left := until - time.perf_counter()) > 0:
        time.sleep(left)
