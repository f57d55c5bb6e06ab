"""The play loop in paused mode: freeze, grab, infer, thaw, play the chunk, again.

The game is frozen from before the grab until its chunk is ready, so the inference
takes no game time and every chunk starts from the picture it was made for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.play.deciding import Decider, grab_usable
from nitropilot.agent.play.loop import PlayLoop
from nitropilot.agent.play.pacing import Pacer
from nitropilot.agent.values import ChunkRow, PadSample

if TYPE_CHECKING:
    from nitropilot.agent.play.loop import Parts
    from nitropilot.agent.values import Decision

LOOK_S = 0.25
"""How often to look after the game while a chunk is played."""


class PausedLoop(PlayLoop):
    """Plays one chunk a round."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._pacer = Pacer(parts.settings.action_hz)
        self._decider = Decider(parts.engine, parts.settings)

    def close(self) -> None:
        """Nothing runs beside this loop; an ended one is kept, but need not keep frames."""
        self._decider.forget()

    def _break_off(self) -> None:
        """Nothing is planned beyond a round."""

    def _round(self, epoch: int) -> None:
        began = time.perf_counter()
        if not self.game.controls.freeze(epoch):
            return
        frozen = time.perf_counter()
        seconds = {"freeze": frozen - began}
        decision: Decision | None = None
        try:
            decision = self._decide(epoch, frozen, seconds)
        except NothingToSee as why:
            self._wait_for(str(why))
        finally:
            self.stats.frozen_seconds += time.perf_counter() - frozen
        if decision is None:
            self._hold(epoch)
            return
        self.game.controls.thaw()
        seconds |= decision.chunk.seconds
        self._play(ChunkRow(self.stats.chunks - 1, decision, seconds, frozen), epoch)

    def _decide(self, epoch: int, frozen: float, seconds: dict[str, float]) -> Decision:
        """Grab and decide, with the time of the grab added to ``seconds``."""
        frame = grab_usable(self.game.grab)
        seconds["grab"] = time.perf_counter() - frozen
        decision = self._decider.decide(frame, epoch)
        self._see()
        self._count_decision(decision)
        return decision

    def _play(self, row: ChunkRow, epoch: int) -> None:
        """Send the chunk's actions on time, then write down what happened."""
        self._tell_chunk(row)
        states = self._read(row.decision.chunk.actions, self.settings.actions_per_chunk)
        looked = time.perf_counter()
        try:
            for step, due in self._pacer.ticks(len(states)):
                if time.perf_counter() - looked > LOOK_S:  # a slow chunk takes many seconds
                    looked = time.perf_counter()
                    self.game.look_after()
                    if self.game.stopped:
                        break
                if not self._press(states[step], due, epoch, row, step):
                    break
                self._record(PadSample(row.states[-1], row.sent[-1], "agent", row.number, step))
        finally:
            self.trace.chunk(row)
