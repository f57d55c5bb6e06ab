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
from nitropilot.agent.values import ChunkRow, PadSample
from nitropilot.controller.hand.protocol import FREEZE_LEASE_S

if TYPE_CHECKING:
    from nitropilot.agent.play.loop import Parts
    from nitropilot.agent.values import Decision

LOOK_S = 0.25
"""How often to look after the game while a chunk is played."""


class PausedLoop(PlayLoop):
    """Plays one chunk a round."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._period = 1.0 / parts.settings.action_hz
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
        self.game.controls.check()
        seconds |= decision.chunk.seconds
        self._play(ChunkRow(self.stats.chunks - 1, decision, seconds, frozen), epoch)

    def _decide(self, epoch: int, frozen: float, seconds: dict[str, float]) -> Decision:
        """Grab and decide, with the time of the grab added to ``seconds``."""
        frame = grab_usable(self.game.grab)
        seconds["grab"] = time.perf_counter() - frozen
        self._refuse_late()
        with self.game.controls.hand.computing():
            decision = self._decider.decide(frame, epoch)
        self._see()
        self._count_decision(decision)
        return decision

    def _refuse_late(self) -> None:
        """Raise ``NothingToSee`` if the game had to be let go while it was looked at."""
        if self.game.controls.hand.freeze_ended:
            raise NothingToSee(
                f"the frozen game's picture did not come within {FREEZE_LEASE_S:g} s, so it was "
                "let run; if that stays so, play with --mode realtime"
            )

    def _play(self, row: ChunkRow, epoch: int) -> None:
        """Let the game run with the chunk's actions, and write down what happened."""
        states = self._read(row.decision.chunk.actions, self.settings.actions_per_chunk)
        self._tell_chunk(row)
        looked = time.perf_counter()
        try:
            for step, pressed in self.game.controls.play(states, self._period, epoch):
                if time.perf_counter() - looked > LOOK_S:  # a slow chunk takes many seconds
                    looked = time.perf_counter()
                    self.game.look_after()
                    if self.game.stopped:
                        break
                self._note(row, step, pressed)
                self._record(PadSample(row.states[-1], row.sent[-1], "agent", row.number, step))
        finally:
            self.trace.chunk(row)
