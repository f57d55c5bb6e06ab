"""The memory page through which a launched game's time is ours: what lies where.

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
    248  u32   unsettled    how often it is not sure that all others rested

A course is never changed while it holds: the other one is written, then the turn.  A controller
that dies half-way changes nothing; one that dies while the game stands is outlived by the lease.
There is none (``FOREVER``) until somebody begins one, as the hand does of a game that it steps.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

CLOCK_VARIABLE = "NITROPILOT_CLOCK_PAGE"
MAGIC, VERSION = b"NITROCLK", 1
FOREVER = 2**63 - 1
SCALE_ONE = 1_000_000
FREE, LOCKSTEP = 0, 1
SETTLE, CHANCE, DIGEST = 1, 2, 4
MULTIPLIER, TURN, LEASE, ALLOW, COURSES = 44, 64, 72, 80, 96
SHOWN, ARRIVED, PID, TID = 192, 200, 208, 212
HEADER = struct.Struct("=8sIIQqqII")
COURSE = struct.Struct("=IIqqQ")
STATUS = struct.Struct("=qIIIIIIIIQIII")
USED = (
    "clocks", "sleep", "poll", "timed waits", "timerfd", "system calls", "look-ups", "chance",
    "SDL", "GLX", "EGL", "keeper", "deep binding",
)  # fmt: skip
"""What of the library a game has used: bit i of the page is the i-th.  Keeper: the main thread
waited for one that slept, and time went on without it.  Deep binding: see ``ClockStatus.doubt``."""

SEEDED_MONOTONIC = 1000 * 10**9
_SEEDED_REAL = 1_704_067_200 * 10**9  # 2024-01-01
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
        unsettled: How often the other threads rested too late, or without proof.
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

    @property
    def doubt(self) -> str:
        """What may go by another clock than the game's; empty if nothing is known of it."""
        if "deep binding" not in self.used:
            return ""
        return (
            "the game loads a library with RTLD_DEEPBIND, which finds the C library before ours: "
            "what that library reads is the true clock, and its sleeps are real ones"
        )

    @classmethod
    def read(cls, memory: mmap.mmap) -> ClockStatus:
        """What stands in a mapped page."""
        fields = STATUS.unpack_from(memory, SHOWN)
        shown, arrived, pictures, pid, tid, entered, used, gate, lapses = fields[:9]
        digest, sleepers, restless, unsettled = fields[9:]
        return cls(
            virtual_time=shown / 1e9,
            steps=max(arrived - 1, 0),
            pictures=pictures,
            pid=pid,
            tid=tid,
            processes=entered,
            used=frozenset(name for bit, name in enumerate(USED) if used >> bit & 1),
            at_gate=bool(gate),
            lapses=lapses,
            digest=digest,
            sleepers=sleepers,
            restless=restless,
            unsettled=unsettled,
        )


def first_content(
    asked: int, seed: int | None, spin_after: int, mode: int, now: tuple[int, int]
) -> bytes:
    """What a new page begins with.

    Args:
        asked: Bits of what the library is to do.
        seed: Of the time of day and of random bytes; None leaves both true.
        spin_after: See the layout.
        mode: Of the first course, at full speed.
        now: The true monotonic clock and the time of day, in nanoseconds.
    """
    monotonic, real = now if seed is None else (SEEDED_MONOTONIC, epoch(seed))
    content = HEADER.pack(
        MAGIC, VERSION, asked, (seed or 0) % 2**64, monotonic, real, spin_after, 1
    ).ljust(LEASE, b"\0")
    content = (content + struct.pack("=q", FOREVER)).ljust(COURSES, b"\0")
    return content + COURSE.pack(mode, 0, now[0], 0, SCALE_ONE)


def epoch(seed: int) -> int:
    """A moment within 2024 for each seed, to the millisecond: what most games seed from."""
    mixed = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64
    mixed ^= mixed >> 31
    return _SEEDED_REAL + mixed % _YEAR_MS * 10**6
