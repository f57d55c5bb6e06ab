"""``PadPage``: the memory page through which a launched game reads its pad.

The game has the library of ``controller/shim`` preloaded, which maps the same page; the
layout below is the one of ``struct page`` in its ``shim.h``, in native byte order.

    0    8 s   "NITROPAD"
    8    u32   version
    64   4 x   cell: u32 stamp, i16, i16      left stick, right stick, triggers, buttons
    96   u64   expires     nanoseconds of the monotonic clock, after which nothing is pressed
    104  u32   plugged     0: no pad; another number is another time of being plugged in
    128  u32   attached    how often a game has opened the pad and begun to read it
    132  u32   pid         of the game that did last
    136  u32   error       why it could not, 0 for none
    144  u64   polls       how often the game has read the pad

Axes are SDL's: sticks from -32767 to 32767 with y growing downward, triggers at rest
at -32768; buttons are bits in the order of SDL's game controllers.

A state is torn unless its four cells bear one stamp.  Each cell is stored as one
aligned 64-bit word, so this holds without memory barriers, which Python has not,
and a writer killed half-way blocks neither the game nor the next writer.  Two
processes must not write at the same moment.  The state is stored before its expiry: between
the two the game sees the new state or, if the old expiry is over, nothing pressed.

The stamp of the last cell is also what a game sleeps on while it waits for the pad: a write
ends with waking it (``Bell``).  Beside the page lies what the game finds at ``/dev/input``:
``DeviceFolder``.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.errors import PadFailed, PadUnavailable
from nitropilot.controller.pads.device_folder import DeviceFolder
from nitropilot.controller.pads.page_bell import Bell
from nitropilot.controller.pads.page_file import (
    create_page_file,
    named_in,
    new_page_path,
    open_page_file,
)
from nitropilot.controller.state import NEUTRAL, Button

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

    from nitropilot.controller.state import GamepadState

PAGE_VARIABLE = "NITROPILOT_PAD_PAGE"
VERSION = 3
FOREVER = 2**64 - 1
SDL_BUTTONS = (
    Button.A, Button.B, Button.X, Button.Y, Button.BACK, Button.GUIDE, Button.START,
    Button.LEFT_THUMB, Button.RIGHT_THUMB, Button.LEFT_SHOULDER, Button.RIGHT_SHOULDER,
    Button.DPAD_UP, Button.DPAD_DOWN, Button.DPAD_LEFT, Button.DPAD_RIGHT,
)  # fmt: skip
"""The buttons in SDL's order: bit i of the page is the i-th."""

_MAGIC = b"NITROPAD"
_HEADER = struct.Struct("=8sI")
_STATE = struct.Struct("=" + "Ihh" * 4)
_CELLS = struct.Struct("=4Q")
_CELLS_AT, _EXPIRES_AT, _PLUGGED_AT, _STATUS_AT = 64, 96, 104, 128
_LAST_STAMP_AT = _CELLS_AT + 3 * 8
_PLUGGED = struct.Struct("=I")
_STATUS = struct.Struct("=III4xQ")
# IntFlag arithmetic would take most of the time of a write.
_BUTTON_BITS = tuple((int(button), 1 << place) for place, button in enumerate(SDL_BUTTONS))

_ERRORS = {
    1: "the game has too many files open for a pad (the reason is in the game's output)",
    2: "the game may start no thread: its pad moves only when it asks for it",
}


@dataclass(frozen=True)
class PageStatus:
    """What the game says about its pad.

    Attributes:
        attached: How often a game opened the pad and began to read it.
        polls: How often the game has read the pad; rises while the game has it open.
        pid: Process that attached it last, 0 for none yet.
        error: Why the last try did not work, empty if it did or there was none.
    """

    attached: int
    polls: int
    pid: int
    error: str


class PadPage:
    """One mapped page; made with ``create`` or ``open``.  Not thread-safe.

    Attributes:
        path: The file behind it, which the game and its hand open.
    """

    def __init__(self, path: Path, memory: mmap.mmap) -> None:
        self.path = path
        self._memory = memory
        self._cells = memoryview(memory)[_CELLS_AT : _CELLS_AT + _CELLS.size].cast("Q")
        self._expires = memoryview(memory)[_EXPIRES_AT : _EXPIRES_AT + 8].cast("Q")
        self._bell = Bell(memory, _LAST_STAMP_AT)
        self._folder = DeviceFolder(path)
        self._closed = False

    @classmethod
    def create(cls, path: Path | None = None) -> PadPage:
        """Make a neutral page that only this user can open.

        Args:
            path: Its name, from ``new_page_path``; None makes one up.

        Raises:
            PadUnavailable: Not on Linux, or there is no private place in memory for it.
        """
        path = path or new_page_path()
        header = _HEADER.pack(_MAGIC, VERSION).ljust(_CELLS_AT, b"\0")
        content = header + _STATE.pack(*_values(NEUTRAL, stamp=1))
        content += struct.pack("=Q", FOREVER) + _PLUGGED.pack(1)
        memory = create_page_file(path, content)
        try:
            DeviceFolder(path).create()
        except PadUnavailable:
            memory.close()
            path.unlink()
            raise
        return cls(path, memory)

    @classmethod
    def open(cls, path: Path) -> PadPage:
        """Map the page of a game that was launched earlier, as it is.

        Raises:
            PadUnavailable: There is no such file, or it is not a page of this user
                and version.
        """
        memory = open_page_file(path)
        magic, version = _HEADER.unpack_from(memory)
        if magic == _MAGIC and version == VERSION:
            return cls(path, memory)
        memory.close()
        raise PadUnavailable(
            f"{path} is no pad page: "
            + (f"version {version}, not {VERSION}" if magic == _MAGIC else "foreign content"),
            "launch the game again with NitroPilot",
        )

    def write(self, state: GamepadState, lasts: float | None = None) -> None:
        """Make ``state`` what the game reads at its next poll.

        Args:
            state: The state.
            lasts: Seconds after which the game takes it for neutral, unless ``renew`` is
                called; None: for ever.

        Raises:
            PadFailed: The page is closed.
        """
        self._check_open()
        # The stamp comes from the page, so that several writers in turn never repeat one.
        stamp = _STATE.unpack_from(self._memory, _CELLS_AT)[0]
        values = _STATE.pack(*_values(state, (stamp + 1) & 0xFFFFFFFF))
        for place, word in enumerate(_CELLS.unpack(values)):
            self._cells[place] = word
        self._expires[0] = _moment(lasts)
        self._bell.ring()

    def renew(self, lasts: float) -> None:
        """Let what is pressed last so many seconds more from now.

        Raises:
            PadFailed: The page is closed.
        """
        self._check_open()
        self._expires[0] = _moment(lasts)

    def plug(self, there: bool = True) -> None:
        """Plug the pad in, or out: the game sees its device come or go.  Safe to repeat.

        A game that had it open when it went must open it again, as with a real one.

        Raises:
            PadFailed: The page is closed.
            PadUnavailable: The device's file cannot be made.
        """
        self._check_open()
        times = _PLUGGED.unpack_from(self._memory, _PLUGGED_AT)[0]
        if bool(times) == there:
            return
        if there:
            # From the clock, so that no two times bear one number.
            times = time.monotonic_ns() & 0xFFFFFFFF or 1
            _PLUGGED.pack_into(self._memory, _PLUGGED_AT, times)
            self._folder.add_device()
        else:
            _PLUGGED.pack_into(self._memory, _PLUGGED_AT, 0)
            self._folder.remove_device()
        self._bell.ring()

    def status(self) -> PageStatus:
        """What the game has reported.

        Raises:
            PadFailed: The page is closed.
        """
        self._check_open()
        attached, pid, error, polls = _STATUS.unpack_from(self._memory, _STATUS_AT)
        text = _ERRORS.get(error, f"unknown error {error}") if error else ""
        return PageStatus(attached, polls, pid, text)

    def close(self) -> None:
        """Unmap the page, leaving the game what was written last.  Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._cells.release()
            self._expires.release()
            self._memory.close()

    def unlink(self) -> None:
        """Remove what is in the file system; a game that has the page mapped is not disturbed.

        Safe to call twice.
        """
        self.path.unlink(missing_ok=True)
        self._folder.remove()

    def _check_open(self) -> None:
        if self._closed:
            raise PadFailed(f"the pad page {self.path} is closed", "open it again")


def find_page(pid: int) -> Path | None:
    """The page of a running game, if NitroPilot launched it and its page is still there.

    Args:
        pid: The game's process.
    """
    return named_in(pid, PAGE_VARIABLE)


def _moment(lasts: float | None) -> int:
    return FOREVER if lasts is None else time.monotonic_ns() + int(lasts * 1e9)


def _values(state: GamepadState, stamp: int) -> tuple[int, ...]:
    """The 4 x (stamp, int16, int16) of the page; y turns from up to down here."""
    (left_x, left_y), (right_x, right_y) = state.left, state.right
    pressed = int(state.buttons)
    bits = sum(bit for button, bit in _BUTTON_BITS if pressed & button)
    return (
        stamp, _axis(left_x), _axis(-left_y),
        stamp, _axis(right_x), _axis(-right_y),
        stamp, _trigger(state.left_trigger), _trigger(state.right_trigger),
        stamp, bits, 0,
    )  # fmt: skip


def _axis(value: float) -> int:
    return round(value * 32767)


def _trigger(value: float) -> int:
    return round(value * 65535) - 32768
