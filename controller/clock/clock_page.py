"""``ClockPage``: the memory page through which a launched game's time is ours.

The game has the files of ``controller/shim/clock`` preloaded, which map the same page; the layout
below is the one of their ``struct clock_page``, in native byte order.  Times are nanoseconds.

    0    8 s   "NITROCLK"
    8    u32   version
    12   u32   asked        1 settle, 2 chance, 4 digest
    16   u64   seed         of chance
    24   i64   monotonic    what the monotonic clock shows at virtual time 0
    32   i64   real         what the time of day is then
    40   u32   spin after   clock reads in a step, after which one more costs 50 us
    44   u32   multiplier   sixtieths of a second that a step is long
    64   u32   turn         counts the courses; its lowest bit says which one holds (futex)
    72   i64   lease        of the true monotonic clock: then a game that stands goes on by itself
    80   u32   allow        arrivals at the gate that may go on (futex)
    96   2 x   course: u32 mode (0 free, 1 lockstep), u32 -, i64 since (true), i64 since (virtual),
               u64 scale (millionths, 0 is frozen)
    192  i64   shown        from here on written by the game: the latest virtual time that it saw
    200  u32   arrived      at the gate: steps that are over, and the one before the first (futex)
    204  u32   pictures     shown, in whatever mode
    208  u32   pid, u32 tid the process and the thread that present
    216  u32   entered      processes that have mapped the page
    220  u32   used         bits of ``USED``
    224  u32   at gate
    228  u32   lapses       how often the lease ended at the gate
    232  u64   digest       of the last picture, if asked for
    240  u32   sleepers
    244  u32   restless     a thread that never rests, 0 for none
    248  u32   unsettled    how often waiting for the others to rest took too long

A course is never changed while it holds: the other one is written, then the turn.  A controller
that dies half-way changes nothing; one that dies while the game stands is outlived by the lease.
There is none (``FOREVER``) where whoever ends the controller ends the game as well, as the ledger
does with a game on a private display; any other game is given one, by ``renew``.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.clock.futex import Futex
from nitropilot.controller.clock.hanging import hanging_threads, runs
from nitropilot.controller.errors import ClockFailed, ClockLapsed, ProcessGone, StepHangs
from nitropilot.controller.pads.page_file import create_page_file, new_page_path, open_page_file

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable
    from pathlib import Path

CLOCK_VARIABLE = "NITROPILOT_CLOCK_PAGE"
VERSION = 1
FOREVER = 2**63 - 1
STEP_S = 1 / 60
STEP_TIMEOUT_S = 30.0
LEAST_SCALE, MOST_SCALE = 0.1, 10.0
USED = (
    "clocks", "sleep", "poll", "timed waits", "timerfd", "system calls", "look-ups", "chance",
    "SDL", "GLX", "EGL", "keeper",
)  # fmt: skip
"""What of the library a game has used: bit i of the page is the i-th."""

_MAGIC = b"NITROCLK"
_ONE = 1_000_000
_FREE, _LOCKSTEP = 0, 1
_SETTLE, _CHANCE, _DIGEST = 1, 2, 4
_HEADER = struct.Struct("=8sIIQqqII")
_COURSE = struct.Struct("=IIqqQ")
_STATUS = struct.Struct("=qIIIIIIIIQIII")
_TURN, _LEASE, _ALLOW, _COURSES, _SHOWN, _ARRIVED = 64, 72, 80, 96, 192, 200
_MULTIPLIER = 44
_MASK = 2**32 - 1
_SLICE_S = 0.05
SEEDED_MONOTONIC = 1000 * 10**9
_SEEDED_REAL = 1_704_067_200 * 10**9  # 2024-01-01, the same for all seeds
_YEAR_MS = 365 * 86400 * 1000


@dataclass(frozen=True)
class ClockStatus:
    """What the game says of its time.

    Attributes:
        virtual_time: The latest time that it has seen, seconds since the page was made.
        steps: Steps of lockstep that are over, with and without a picture.
        pictures: Pictures that it has shown.
        pid: Process that shows them, 0 while none has.
        tid: Thread of it that does.
        processes: How many have mapped the page.
        used: What of the library it uses: names of ``USED``.
        at_gate: Whether it waits for the next step.
        lapses: How often a gate opened by itself.
        digest: Of the last picture; 0 if that was not asked for, or could not be had.
        sleepers: Threads that sleep in lockstep.
        restless: A thread that is not waited for any more, because it never rests; or 0.
        unsettled: How often waiting for the other threads took too long.
    """

    virtual_time: float
    steps: int
    pictures: int
    pid: int
    tid: int
    processes: int
    used: frozenset[str]
    at_gate: bool
    lapses: int
    digest: int
    sleepers: int
    restless: int
    unsettled: int

    @property
    def problem(self) -> str:
        """Why the clock does not reach the game, as far as the page tells; empty if it does."""
        if self.processes == 0:
            return (
                "the library was never entered: the game is a static or Go program, "
                "or for another kind of machine, or its starter cleared LD_PRELOAD"
            )
        if self.pictures == 0:
            return (
                "no picture passed the gate: the game shows none yet, or calls its graphics "
                "library past ours (statically linked, or loaded with RTLD_DEEPBIND)"
            )
        if "clocks" not in self.used:
            return "the game has read no clock through the C library"
        return ""


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
        self._turn, self._allow = Futex(memory, _TURN), Futex(memory, _ALLOW)
        self._arrived = Futex(memory, _ARRIVED)
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
        asked = _SETTLE * settle | _CHANCE * (seed is not None) | _DIGEST * digest
        now = time.monotonic_ns()
        monotonic, real = now, time.time_ns()
        if seed is not None:
            monotonic, real = SEEDED_MONOTONIC, _epoch(seed)
        content = _HEADER.pack(
            _MAGIC, VERSION, asked, (seed or 0) % 2**64, monotonic, real, spin_after, 1
        ).ljust(_LEASE, b"\0")
        content = (content + struct.pack("=q", FOREVER)).ljust(_COURSES, b"\0")
        content += _COURSE.pack(_LOCKSTEP if lockstep else _FREE, 0, now, 0, _ONE)
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
        if magic == _MAGIC and version == VERSION:
            return cls(path, memory)
        memory.close()
        raise ClockFailed(
            f"{path} is no clock page: "
            + (f"version {version}, not {VERSION}" if magic == _MAGIC else "foreign content"),
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
        self._turn_to(_FREE, round(scale * _ONE))

    def freeze(self, at: int | None = None) -> None:
        """Let time stand still.

        Args:
            at: When it stopped, in nanoseconds of the true monotonic clock: when the stop of
                its process was asked for, if that is over.  What the game has seen since then
                counts all the same.  Default: now.
        """
        self._turn_to(_FREE, 0, at)

    def lockstep(self) -> None:
        """Let time go on by steps only, from the next picture on."""
        self._turn_to(_LOCKSTEP, _ONE)

    def renew(self, lasts: float) -> None:
        """Let a game that stands, stand so many seconds more from now; from any thread.

        Raises:
            ClockLapsed: It went on by itself already.
            ClockFailed: The page is closed.
        """
        self._check_open()
        if time.monotonic_ns() > self._longs[_LEASE // 8]:
            raise ClockLapsed(
                "the game went on by itself: nobody renewed its freeze", "begin the episode again"
            )
        self._longs[_LEASE // 8] = time.monotonic_ns() + int(lasts * 1e9)

    def lease(self, lasts: float | None) -> None:
        """Begin a lease of so many seconds, or end it (None): a game that stands may for ever."""
        self._check_open()
        ends = FOREVER if lasts is None else time.monotonic_ns() + int(lasts * 1e9)
        self._longs[_LEASE // 8] = ends

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
        self._wait_for(1 if self._arrivals() == 0 else self._word(_ALLOW) + 1, timeout, alive)

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
        self._words[_MULTIPLIER // 4] = multiplier
        for _ in range(count):
            arrived = self._arrivals()
            if arrived == 0:
                self.wait_ready(timeout, alive)
                arrived = self._arrivals()
            if time.monotonic_ns() > self._longs[_LEASE // 8]:
                raise ClockLapsed(
                    "the game went on by itself between two steps", "begin the episode again"
                )
            self._words[_ALLOW // 4] = arrived
            self._allow.wake()
            self._wait_for((arrived + 1) & _MASK, timeout, alive)
        return self.status()

    def status(self) -> ClockStatus:
        """What the game has reported.

        Raises:
            ClockFailed: The page is closed.
        """
        self._check_open()
        shown, arrived, pictures, pid, tid, entered, used, gate, lapses, *more = _STATUS.unpack_from(
            self._memory, _SHOWN
        )
        names = frozenset(name for bit, name in enumerate(USED) if used >> bit & 1)
        return ClockStatus(
            shown / 1e9, max(arrived - 1, 0), pictures, pid, tid, entered, names, bool(gate), lapses,
            *more,
        )  # fmt: skip

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
        return self._word(_ARRIVED)

    def _turn_to(self, mode: int, scale: int, at: int | None = None) -> None:
        """Write the course that does not hold, then let it hold."""
        self._check_open()
        turn = self._word(_TURN)
        now = time.monotonic_ns()
        virtual = max(self._virtual(turn, now if at is None else at), self._longs[_SHOWN // 8])
        _COURSE.pack_into(
            self._memory, _COURSES + _COURSE.size * (~turn & 1), mode, 0, now, virtual, scale
        )
        self._turn.wake()  # a system call keeps these two writes in order on any processor
        self._words[_TURN // 4] = (turn + 1) & _MASK
        self._turn.wake()
        self._allow.wake()

    def _virtual(self, turn: int, now: int) -> int:
        """Virtual time by the course that holds, in nanoseconds."""
        mode, _, since, virtual, scale = _COURSE.unpack_from(
            self._memory, _COURSES + _COURSE.size * (turn & 1)
        )
        if mode == _LOCKSTEP:
            return int(virtual)
        lease = self._longs[_LEASE // 8]
        if not scale:
            return int(virtual + max(now - max(lease, since), 0))
        return int(virtual + max(now - since, 0) * scale // _ONE)

    def _wait_for(self, arrival: int, timeout: float, alive: Callable[[], bool] | None) -> None:
        until = time.monotonic() + timeout
        while (arrived := self._arrivals()) != arrival and (arrival - arrived) & _MASK < 2**31:
            self._arrived.wait(arrived, _SLICE_S)
            pid, tid = self._word(208), self._word(212)
            if not (alive() if alive else pid == 0 or runs(pid)):
                raise ProcessGone("the game has ended in the middle of a step", "see its output")
            if time.monotonic() > until and self._arrivals() == arrived:
                what = self.status().problem or hanging_threads(pid, tid)
                raise StepHangs(
                    f"a step of the game has not ended for {timeout:g} s: {what}",
                    "end the game and begin the episode again",
                )

    def _check_open(self) -> None:
        if self._closed:
            raise ClockFailed(f"the clock page {self.path} is closed", "open it again")


def _epoch(seed: int) -> int:
    """A moment within 2024 for each seed, to the millisecond: what most games seed from."""
    mixed = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64
    mixed ^= mixed >> 31
    return _SEEDED_REAL + mixed % _YEAR_MS * 10**6
