"""``ClockPage``: a launched game's time, as whoever launched it sets it (layout: ``layout``)."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from nitropilot.controller.clock.futex import Futex
from nitropilot.controller.clock.hanging import hanging_threads, runs
from nitropilot.controller.clock.layout import (
    ALLOW,
    ARRIVED,
    CHANCE,
    COURSE,
    COURSES,
    DIGEST,
    FOREVER,
    FREE,
    LEASE,
    LOCKSTEP,
    MAGIC,
    MULTIPLIER,
    PID,
    SCALE_ONE,
    SETTLE,
    SHOWN,
    TID,
    TURN,
    VERSION,
    ClockStatus,
    first_content,
)
from nitropilot.controller.errors import ClockFailed, ClockLapsed, ProcessGone, StepHangs
from nitropilot.controller.pads.page_file import create_page_file, new_page_path, open_page_file

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable
    from pathlib import Path

STEP_S = 1 / 60
STEP_TIMEOUT_S = 30.0
LEAST_SCALE, MOST_SCALE = 0.1, 10.0
_MASK = 2**32 - 1
_SLICE_S = 0.05


class ClockPage:
    """One mapped page; made with ``create`` or ``open``.  Not thread-safe, but for ``renew``.

    Attributes:
        path: The file behind it, which the game opens.
    """

    def __init__(self, path: Path, memory: mmap.mmap) -> None:
        self.path = path
        self._memory = memory
        self._view = memoryview(memory)
        self._words = self._view.cast("I")
        self._longs = self._view.cast("q")
        self._turn, self._allow = Futex(memory, TURN), Futex(memory, ALLOW)
        self._arrived = Futex(memory, ARRIVED)
        self._closed = False

    @classmethod
    def create(
        cls,
        path: Path | None = None,
        *,
        lockstep: bool = False,
        seed: int | None = None,
        settle: bool = True,
        digest: bool = False,
        spin_after: int = 400,
    ) -> ClockPage:
        """Make a page that only this user can open; its clocks run.

        Args:
            path: Its name, from ``new_page_path``; None makes one up.
            lockstep: Whether the game steps from its first picture on.
            seed: Of the time of day and of random bytes; None leaves both true.
            settle: Whether a step waits until all threads rest; what a game needs whose other
                threads decide what is seen.
            digest: Whether each picture's digest is wanted.
            spin_after: Clock reads in a step, after which one more costs time.

        Raises:
            PadUnavailable: Not on Linux, or there is no private place in memory for it.
            ClockFailed: The machine is not known.
        """
        path = path or new_page_path()
        asked = SETTLE * settle | CHANCE * (seed is not None) | DIGEST * digest
        mode = LOCKSTEP if lockstep else FREE
        now = time.monotonic_ns(), time.time_ns()
        content = first_content(asked, seed, spin_after, mode, now)
        return cls(path, create_page_file(path, content, "clock page"))

    @classmethod
    def open(cls, path: Path) -> ClockPage:
        """Map the page of a game that was launched earlier, as it is.

        Raises:
            PadUnavailable: There is no such file, or it is not this user's.
            ClockFailed: It is no clock page, or one of another version.
        """
        memory = open_page_file(path, "clock page")
        magic, version = struct.unpack_from("=8sI", memory)
        if magic == MAGIC and version == VERSION:
            return cls(path, memory)
        memory.close()
        raise ClockFailed(
            f"{path} is no clock page: "
            + (f"version {version}, not {VERSION}" if magic == MAGIC else "foreign content"),
            "launch the game again with NitroPilot",
        )

    def run(self, scale: float = 1.0) -> None:
        """Let time go on from where it stands, so many times as fast as the true one.

        Raises:
            ClockFailed: A scale that is not from 0.1 to 10, or the page is closed.
        """
        if not LEAST_SCALE <= scale <= MOST_SCALE:
            raise ClockFailed(
                f"a time scale of {scale:g} is not from {LEAST_SCALE:g} to {MOST_SCALE:g}",
                "choose another",
            )
        self._turn_to(FREE, round(scale * SCALE_ONE))

    def freeze(self, at: int | None = None) -> None:
        """Let time stand still.

        Args:
            at: When it stopped, in nanoseconds of the true monotonic clock: when the stop of
                its process was asked for, if that is over.  What the game has seen since then
                counts all the same.  Default: now.
        """
        self._turn_to(FREE, 0, at)

    def lockstep(self) -> None:
        """Let time go on by steps only, from the next picture on; does nothing if it does.

        Raises:
            ClockFailed: The page is closed.
        """
        self._check_open()
        turn = self._word(TURN)
        if COURSE.unpack_from(self._memory, COURSES + COURSE.size * (turn & 1))[0] != LOCKSTEP:
            self._words[ALLOW // 4] = self._word(ARRIVED)  # it left its last gate by itself
            self._turn_to(LOCKSTEP, SCALE_ONE)

    def renew(self, lasts: float) -> None:
        """Let a game that stands, stand so many seconds more from now; from any thread.

        Raises:
            ClockLapsed: It went on by itself already.
            ClockFailed: The page is closed.
        """
        self._check_open()
        if time.monotonic_ns() > self._longs[LEASE // 8]:
            raise ClockLapsed(
                "the game went on by itself: nobody renewed its freeze", "begin the episode again"
            )
        self._longs[LEASE // 8] = time.monotonic_ns() + int(lasts * 1e9)

    def lease(self, lasts: float | None) -> None:
        """Begin a lease of so many seconds, or end it (None): a game that stands may for ever."""
        self._check_open()
        ends = FOREVER if lasts is None else time.monotonic_ns() + int(lasts * 1e9)
        self._longs[LEASE // 8] = ends

    def wait_ready(
        self, timeout: float = STEP_TIMEOUT_S, alive: Callable[[], bool] | None = None
    ) -> None:
        """Wait until the game stands at the gate, as it does from its first picture on.

        Args:
            timeout: Seconds.
            alive: Whether the game still runs; None: as long as the process that presents does.

        Raises:
            StepHangs: It does not come there.
            ProcessGone: It has ended.
        """
        self._wait_for(1 if self._arrivals() == 0 else self._word(ALLOW) + 1, timeout, alive)

    def step(
        self,
        count: int = 1,
        *,
        multiplier: int = 1,
        timeout: float = STEP_TIMEOUT_S,
        alive: Callable[[], bool] | None = None,
    ) -> ClockStatus:
        """Let the game do so many steps; returns when it stands at the gate again.

        Args:
            count: How many.
            multiplier: Sixtieths of a second that each is long.
            timeout: Seconds, for each of them.
            alive: As for ``wait_ready``.

        Raises:
            StepHangs: A step does not end; says which thread hangs.
            ProcessGone: The game has ended.
            ClockLapsed: The game went on by itself.
        """
        self._check_open()
        self._words[MULTIPLIER // 4] = multiplier
        for _ in range(count):
            arrived = self._arrivals()
            if arrived == 0:
                self.wait_ready(timeout, alive)
                arrived = self._arrivals()
            if time.monotonic_ns() > self._longs[LEASE // 8]:
                raise ClockLapsed(
                    "the game went on by itself between two steps", "begin the episode again"
                )
            self._words[ALLOW // 4] = arrived
            self._allow.wake()
            self._wait_for((arrived + 1) & _MASK, timeout, alive)
        return self.status()

    def status(self) -> ClockStatus:
        """What the game has reported.

        Raises:
            ClockFailed: The page is closed.
        """
        self._check_open()
        return ClockStatus.read(self._memory)

    def virtual_time(self) -> float:
        """Seconds of virtual time that are over by now, by the course that holds."""
        self._check_open()
        return self._virtual(self._word(TURN), time.monotonic_ns()) / 1e9

    def close(self) -> None:
        """Unmap the page, leaving time as it is.  Safe to call twice."""
        if not self._closed:
            self._closed = True
            for view in (self._words, self._longs, self._view):
                view.release()
            self._memory.close()

    def unlink(self) -> None:
        """Remove the file; a game that has it mapped is not disturbed.  Safe to call twice."""
        self.path.unlink(missing_ok=True)

    def _word(self, offset: int) -> int:
        return self._words[offset // 4]

    def _arrivals(self) -> int:
        self._check_open()
        return self._word(ARRIVED)

    def _turn_to(self, mode: int, scale: int, at: int | None = None) -> None:
        """Write the course that does not hold, then let it hold."""
        self._check_open()
        turn = self._word(TURN)
        now = time.monotonic_ns()
        virtual = max(self._virtual(turn, now if at is None else at), self._longs[SHOWN // 8])
        place = COURSES + COURSE.size * (~turn & 1)
        COURSE.pack_into(self._memory, place, mode, 0, now, virtual, scale)
        self._turn.wake()  # a system call keeps these two writes in order on any processor
        self._words[TURN // 4] = (turn + 1) & _MASK
        self._turn.wake()
        self._allow.wake()

    def _virtual(self, turn: int, now: int) -> int:
        """Virtual time by the course that holds, in nanoseconds."""
        place = COURSES + COURSE.size * (turn & 1)
        mode, _, since, virtual, scale = COURSE.unpack_from(self._memory, place)
        if mode == LOCKSTEP:
            return int(virtual)
        lease = self._longs[LEASE // 8]
        if not scale:
            return int(virtual + max(now - max(lease, since), 0))
        return int(virtual + max(now - since, 0) * scale // SCALE_ONE)

    def _wait_for(self, arrival: int, timeout: float, alive: Callable[[], bool] | None) -> None:
        until = time.monotonic() + timeout
        while (arrived := self._arrivals()) != arrival and (arrival - arrived) & _MASK < 2**31:
            self._arrived.wait(arrived, _SLICE_S)
            pid, tid = self._word(PID), self._word(TID)
            if not (alive() if alive else pid == 0 or runs(pid)):
                raise ProcessGone("the game has ended in the middle of a step", "see its output")
            if time.monotonic() > until and self._arrivals() == arrived:
                status = self.status()
                what = status.problem or hanging_threads(pid, tid)
                what += f"; {status.doubt}" if status.doubt else ""
                raise StepHangs(
                    f"a step of the game has not ended for {timeout:g} s: {what}",
                    "end the game and begin the episode again",
                )

    def _check_open(self) -> None:
        if self._closed:
            raise ClockFailed(f"the clock page {self.path} is closed", "open it again")
