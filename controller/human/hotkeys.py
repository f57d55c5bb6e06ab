"""Hotkeys: keys that reach NitroPilot whatever program has the keyboard.

A hotkey is written as ``ctrl+shift+f7``.  X11 grabs the key, Windows registers it; both keep
it from the game.  Wayland lets no program have keys of others, so there are none there.

The defaults are no Ctrl+Alt combinations: with F keys those switch consoles on Linux, and on
Windows Ctrl+Alt is AltGr, which types letters.
"""

from __future__ import annotations

import os
import string
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from nitropilot.controller.errors import ControllerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_TOGGLE = "ctrl+shift+f7"
DEFAULT_PANIC = "ctrl+shift+f8"
MODIFIERS = ("ctrl", "alt", "shift", "super")


class HotkeyInvalid(ControllerError):
    """A hotkey that does not exist, or cannot be used alone."""

    code = "hotkey_invalid"


class Key(NamedTuple):
    """A key: its name in X11 and its virtual key code in Windows."""

    keysym: str
    vk: int


KEYS: dict[str, Key] = {
    **{f"f{number}": Key(f"F{number}", 0x6F + number) for number in range(1, 25)},
    **{letter: Key(letter, ord(letter.upper())) for letter in string.ascii_lowercase},
    **{digit: Key(digit, ord(digit)) for digit in string.digits},
    "pageup": Key("Prior", 0x21),
    "pagedown": Key("Next", 0x22),
    "end": Key("End", 0x23),
    "home": Key("Home", 0x24),
    "left": Key("Left", 0x25),
    "up": Key("Up", 0x26),
    "right": Key("Right", 0x27),
    "down": Key("Down", 0x28),
    "insert": Key("Insert", 0x2D),
    "delete": Key("Delete", 0x2E),
    "space": Key("space", 0x20),
    "pause": Key("Pause", 0x13),
    "scrolllock": Key("Scroll_Lock", 0x91),
}
_ALONE = {f"f{number}" for number in range(1, 25)} | {"pause", "scrolllock"}
"""Keys that nobody types with."""
_NAMED = [name for name in KEYS if len(name) > 1 and name not in _ALONE] + ["pause", "scrolllock"]


@dataclass(frozen=True)
class Hotkey:
    """A key with the modifiers that have to be held.

    Attributes:
        modifiers: Some of ``MODIFIERS``, in that order.
        key: One of ``KEYS``.
    """

    modifiers: tuple[str, ...]
    key: str

    def __str__(self) -> str:
        return "+".join((*self.modifiers, self.key))


@dataclass(frozen=True)
class HotkeyReport:
    """Whether hotkeys can be had here, and through what, or why not."""

    available: bool
    reason: str
    hint: str = ""


class HotkeyListener(ABC):
    """Calls what belongs to a hotkey, each time in a thread of its own, until ``close``.

    Attributes:
        trouble: What could not be had, for people; the other hotkeys work.
    """

    trouble: tuple[str, ...] = ()

    @abstractmethod
    def close(self) -> None:
        """Give the keys back.  Safe to call twice."""


def parse_hotkey(text: str) -> Hotkey | None:
    """A hotkey from its name; None for an empty one, which means none.

    Raises:
        HotkeyInvalid: A part is unknown, or the key would be taken from whoever types.
    """
    words = [word.strip().lower() for word in text.split("+")]
    if words == [""]:
        return None
    *held, key = words
    for word in held:
        if word not in MODIFIERS:
            raise HotkeyInvalid(
                f"{word!r} in the hotkey {text!r} is no modifier",
                f"modifiers are {', '.join(MODIFIERS)}",
            )
    if key not in KEYS:
        raise HotkeyInvalid(
            f"{key!r} in the hotkey {text!r} is no key",
            f"keys are a to z, 0 to 9, f1 to f24, {', '.join(_NAMED)}",
        )
    if key not in _ALONE and not set(held) & {"ctrl", "alt", "super"}:
        raise HotkeyInvalid(
            f"the hotkey {text!r} would take that key from every program",
            "hold ctrl, alt or super with it, or take a function key",
        )
    return Hotkey(tuple(word for word in MODIFIERS if word in held), key)


def hotkey_report() -> HotkeyReport:
    """Whether this session of the desktop has hotkeys; connects to nothing."""
    if sys.platform == "win32":
        report = HotkeyReport(True, "registered with Windows")
    elif os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
        report = HotkeyReport(
            False,
            "Wayland lets no program have keys of others",
            "bind keys in the desktop's settings to the commands in docs/control.md",
        )
    elif not os.environ.get("DISPLAY"):
        report = HotkeyReport(
            False, "DISPLAY is not set: there is no keyboard", "start from a graphical session"
        )
    else:
        report = HotkeyReport(True, f"grabbed from the X server {os.environ['DISPLAY']}")
    return report


def open_hotkeys(actions: Mapping[Hotkey, Callable[[], object]]) -> HotkeyListener:
    """Listen for these hotkeys.

    Raises:
        ControllerError: There are none here; see ``hotkey_report``.
    """
    report = hotkey_report()
    if not report.available:
        raise ControllerError(f"no hotkeys: {report.reason}", report.hint)
    if sys.platform == "win32":
        from nitropilot.controller.human.win32_hotkeys import Win32Hotkeys, load_user32

        listener: HotkeyListener = Win32Hotkeys(actions, load_user32())
    else:
        from nitropilot.controller.human.x11_hotkeys import X11Hotkeys

        listener = X11Hotkeys(actions)
    return listener
