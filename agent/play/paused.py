"""The play loop in paused mode: freeze, grab, infer, thaw, play the chunk, again.

The game is frozen from before the grab until its chunk is ready, so the inference
takes no game time and every chunk starts from the picture it was made for.

A chunk begins ``Timeline.lead`` ticks after its picture (``records.timeline``): so the game is
frozen that many ticks before the end of what is to be played, and these are played before the
new chunk.  Where there are none, as at the start, the pad is neutral for as long.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.play.deciding import Decider, grab_usable
from nitropilot.agent.play.loop import HOLD_S, PlayLoop
from nitropilot.agent.values import ChunkRow, PadSample, new_stretch
from nitropilot.controller.hand.leases import NO_EPOCH
from nitropilot.controller.hand.protocol import FREEZE_LEASE_S
from nitropilot.controller.state import NEUTRAL

if TYPE_CHECKING:
    from nitropilot.agent.play.loop import Parts
    from nitropilot.agent.target.pressed import Pressed
    from nitropilot.agent.values import Decision
    from nitropilot.controller.state import GamepadState

LOOK_S = 0.25
"""How often to look after the game while a chunk is played."""


class _Next(NamedTuple):
    """What is to be played: an action of a chunk, or nothing."""

    state: GamepadState
    row: ChunkRow | None = None
    number: int = -1


class PausedLoop(PlayLoop):
    """Plays one chunk a round."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        spec = parts.engine.spec
        self._period = 1.0 / parts.settings.hz
        self._decider = Decider(parts.engine, parts.settings)
        self._timeline = parts.settings.timeline(spec)
        self._count = parts.settings.played(spec)
        self._epoch = NO_EPOCH
        self._stretch = new_stretch()
        self._tick = 0
        self._held_up = (0, 0)
        self._planned: list[_Next] = []
        self._rows: list[ChunkRow] = []

    def close(self) -> None:
        """Nothing runs beside this loop; an ended one is kept, but need not keep frames."""
        self._break_off()
        self._decider.forget()

    def _break_off(self) -> None:
        self._planned = []
        self._write_finished()

    def _round(self, epoch: int) -> None:
        if epoch != self._epoch:
            self._break_off()
            self._epoch, self._stretch, self._tick = epoch, new_stretch(), 0
        began = time.perf_counter()
        if not self.game.controls.freeze(epoch):
            return
        self._notice_lapses()
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
            self._break_off()
            self._stretch, self._tick = new_stretch(), self._tick + round(HOLD_S / self._period)
            self._hold(epoch)
            return
        self.game.controls.check()
        seconds |= decision.chunk.seconds
        self._play(ChunkRow(self.stats.chunks - 1, decision, seconds, frozen), epoch)

    def _decide(self, epoch: int, frozen: float, seconds: dict[str, float]) -> Decision:
        """Grab and decide, with the time of the grab added to ``seconds``."""
        frame = grab_usable(self.game.grab)
        seconds["grab"] = time.perf_counter() - frozen
        self._refuse_late(f"picture did not come within {FREEZE_LEASE_S:g} s")
        with self.game.controls.hand.computing():
            decision = self._decider.decide(frame, epoch, self._tick)
        self._refuse_late("chunk came after the freeze had ended, as when this process is stopped")
        self._see()
        self._count_decision(decision)
        return decision

    def _refuse_late(self, what: str) -> None:
        """Raise ``NothingToSee`` if the game had to be let go while it was looked at.

        It is elsewhere by now: neither this picture nor those before it tell anything.
        """
        if self.game.controls.hand.freeze_ended:
            self._decider.forget()
            raise NothingToSee(
                f"the frozen game's {what}, so it was let run; if that stays so, play with "
                "--mode realtime"
            )

    def _play(self, row: ChunkRow, epoch: int) -> None:
        """Let the game run with what is next, and write down what happened."""
        states = self._read(row.decision.chunk.actions)
        self._tell_chunk(row)
        self._rows.append(row)
        fresh = [_Next(state, row, number) for number, state in enumerate(states)]
        lay = self._timeline.lay
        now, self._planned = lay(self._planned, fresh, self._count, _Next(NEUTRAL))
        if not self._send(now, epoch):
            self._tear()
        self._write_finished()

    def _notice_lapses(self) -> None:
        """Tear if the hand let go because this process was silent.

        It says so before it answers to anything later: a freeze's answer comes after it.
        """
        held_up = self.game.controls.lapses, self.game.controls.cut_freezes
        if held_up != self._held_up:
            self._held_up = held_up
            self._tear()

    def _tear(self) -> None:
        """The game ran on with a neutral pad, nobody knows for how long: ticks are not counted."""
        self._planned = []
        self._stretch, self._tick = new_stretch(), self._tick + 1
        self._decider.forget()

    def _send(self, steps: list[_Next], epoch: int) -> bool:
        """Play them; whether all of them were."""
        looked, before, sent = time.perf_counter(), self._tick, 0
        states = [step.state for step in steps]
        for number, pressed in self.game.controls.play(states, self._period, epoch):
            if time.perf_counter() - looked > LOOK_S:  # a slow chunk takes many seconds
                looked = time.perf_counter()
                self.game.look_after()
                if self.game.stopped:
                    break
            sent = number + 1
            self._tick = before + sent
            self._tell(steps[number], pressed)
        return sent == len(steps)

    def _tell(self, step: _Next, pressed: Pressed[None]) -> None:
        if step.row is None:
            self.parts.events.released()
            sample = PadSample(NEUTRAL, pressed.at, source="none", began=pressed.began)
        else:
            self._note(step.row, step.number, pressed)
            state, row = step.row.states[-1], step.row.number
            sample = PadSample(state, pressed.at, "agent", row, step.number, began=pressed.began)
        self._record(replace(sample, stretch=self._stretch, tick=self._tick))

    def _write_finished(self) -> None:
        """Write down the chunks of which nothing will be played any more."""
        planned = {step.row.number for step in self._planned if step.row is not None}
        while self._rows and self._rows[0].number not in planned:
            self.trace.chunk(self._rows.pop(0))
