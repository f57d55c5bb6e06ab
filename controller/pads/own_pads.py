"""Which pads of this machine are ours: what they press is not a human's.

Every open ``VGamepadPad`` is noted here, in the process that holds it, and so is what the hands
of this process's games say of theirs: the reader of physical pads leaves them out.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import weakref
from typing import Any

_lock = threading.Lock()
_own: weakref.WeakSet[Any] = weakref.WeakSet()
_hands: dict[int, tuple[set[str], set[int] | None]] = {}


def note(device: Any) -> None:
    """Remember vgamepad's device for as long as it exists, without keeping it alive."""
    with _lock:
        _own.add(device)


def adopt(hand: int, nodes: set[str], slots: set[int] | None) -> None:
    """Remember what a hand (by its process id) holds; no slots yet: None."""
    with _lock:
        _hands[hand] = (nodes, slots)


def forget(hand: int) -> None:
    """A hand is gone, and its pad with it."""
    with _lock:
        _hands.pop(hand, None)


def nodes() -> set[str]:
    """The event devices of our pads (Linux)."""
    with _lock:
        devices, hands = list(_own), list(_hands.values())
    found = [getattr(getattr(device, "uinput", None), "devnode", None) for device in devices]
    return {node for node in found if node}.union(*(theirs for theirs, _ in hands))


def slots() -> set[int] | None:
    """The XInput slots of our pads (Windows); None while one of them has not said."""
    with _lock:
        devices, hands = list(_own), list(_hands.values())
    found: set[int] = set()
    for _, theirs in hands:
        if theirs is None:
            return None
        found |= theirs
    for device in devices:
        slot = _slot(device)
        if slot is None:
            return None
        found.add(slot)
    return found


def _slot(device: Any) -> int | None:
    """What ViGEm says about a device; it does not know in its first moments."""
    slot = None
    if sys.platform == "win32":
        from vgamepad.win import vigem_client

        number = ctypes.c_ulong(0)
        error = vigem_client.vigem_target_x360_get_user_index(
            device._busp, device._devicep, ctypes.byref(number)
        )
        if error == 0x20000000:  # VIGEM_ERROR_NONE
            slot = int(number.value)
    return slot
