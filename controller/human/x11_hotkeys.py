"""Hotkeys on X11: passive grabs on the root window."""

from __future__ import annotations

import itertools
import logging
import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from Xlib import XK, X, error
from Xlib.display import Display

from nitropilot.controller.errors import ControllerError
from nitropilot.controller.human.hotkeys import KEYS, HotkeyListener

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nitropilot.controller.human.hotkeys import Hotkey

log = logging.getLogger(__name__)

_MASKS = {"ctrl": X.ControlMask, "alt": X.Mod1Mask, "shift": X.ShiftMask, "super": X.Mod4Mask}
_RELEVANT = X.ControlMask | X.Mod1Mask | X.ShiftMask | X.Mod4Mask
_LOCKS = ("Num_Lock", "Scroll_Lock")
PATIENCE_S = 5.0
"""How long the X server may take to hand the keys over; it takes milliseconds."""
CLOSE_S = 1.0
"""How long the end waits for it; a thread that still hangs then ends when it answers."""


class X11Hotkeys(HotkeyListener):
    """Grabs keys of the X server that ``DISPLAY`` names, in a thread with its own connection.

    Args:
        actions: What each hotkey does.

    Raises:
        ControllerError: The X server does not answer.
    """

    def __init__(self, actions: Mapping[Hotkey, Callable[[], object]]) -> None:
        self._actions = dict(actions)
        self._bound: dict[tuple[int, int], Hotkey] = {}
        self._released = (0, -1)
        self._wake, self._waker = socket.socketpair()
        self._closed = False
        self._ready, self._trouble = threading.Event(), ""
        self._thread = threading.Thread(target=self._work, name="nitropilot-hotkeys", daemon=True)
        self._thread.start()
        if not self._ready.wait(PATIENCE_S):
            self._trouble = f"it said nothing for {PATIENCE_S:g} s"
        if self._trouble:
            self.close()
            raise ControllerError(f"no hotkeys: the X server does not answer ({self._trouble})")

    def close(self) -> None:
        """As ``HotkeyListener``."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):  # the thread has ended by itself
            self._waker.send(b"x")
        self._thread.join(CLOSE_S)

    def _work(self) -> None:
        try:
            if self._open():
                self._listen()
        finally:
            self._ready.set()
            self._wake.close()
            self._waker.close()

    def _open(self) -> bool:
        """Whether the keys are ours, which may be too late for whoever waited."""
        try:
            self._display = Display()
            self._root = self._display.screen().root
            self._grab_all()
        except (error.DisplayError, error.XauthError, error.ConnectionClosedError,
                OSError) as problem:  # fmt: skip
            self._trouble = str(problem)
            return False
        except Exception as problem:  # noqa: BLE001 - or who waits would believe that it listens
            self._trouble = f"{type(problem).__name__}: {problem}"
            return False
        self._ready.set()
        return True

    def _listen(self) -> None:
        try:
            while True:
                while self._display.pending_events():
                    self._handle(self._display.next_event())
                if select.select([self._display, self._wake], [], [])[0] == [self._wake]:
                    break
        except (error.ConnectionClosedError, OSError):
            log.warning("the X server is gone, and the hotkeys with it")
            return
        self._display.close()  # which gives the keys back

    def _handle(self, event: Any) -> None:
        if event.type == X.MappingNotify:  # another keyboard, or another layout of it
            self._display.refresh_keyboard_mapping(event)
            if self._keys() != self._wanted:  # or a press would be missed for nothing
                self._root.ungrab_key(X.AnyKey, X.AnyModifier)
                self._grab_all()
        elif event.type == X.KeyRelease:
            self._released = (event.detail, event.time)
        elif event.type == X.KeyPress:
            if (event.detail, event.time) == self._released:
                return  # the key is held and repeats
            hotkey = self._bound.get((event.detail, event.state & _RELEVANT))
            if hotkey is not None:
                action = self._actions[hotkey]
                threading.Thread(target=action, name=f"nitropilot-{hotkey}", daemon=True).start()

    def _keys(self) -> tuple[dict[Hotkey, int], list[int]]:
        """The keyboard's code for each hotkey, 0 for none, and the masks of its lock keys."""
        keysyms = {hotkey: XK.string_to_keysym(KEYS[hotkey.key].keysym) for hotkey in self._actions}
        codes = {hotkey: self._display.keysym_to_keycode(keysyms[hotkey]) for hotkey in keysyms}
        return codes, self._locks()

    def _grab_all(self) -> None:
        self._bound.clear()
        trouble = []
        codes, locks = self._wanted = self._keys()
        for hotkey, keycode in codes.items():
            if not keycode:
                trouble.append(f"hotkey {hotkey}: this keyboard has no key {hotkey.key}")
                continue
            mask = sum(_MASKS[name] for name in hotkey.modifiers)
            if self._grab(keycode, mask, locks):
                self._bound[keycode, mask] = hotkey
            else:
                trouble.append(f"hotkey {hotkey}: another program has it")
        self.trouble = tuple(trouble)

    def _grab(self, keycode: int, mask: int, locks: list[int]) -> bool:
        """Grab a key whatever locks are on; X counts those as other keys."""
        caught = error.CatchError(error.BadAccess)
        masks = [mask | lock for lock in locks]
        for each in masks:
            self._root.grab_key(
                keycode, each, False, X.GrabModeAsync, X.GrabModeAsync, onerror=caught
            )
        self._display.sync()
        if caught.get_error() is None:
            return True
        for each in masks:
            self._root.ungrab_key(keycode, each)
        self._display.sync()
        return False

    def _locks(self) -> list[int]:
        """Every combination of the lock keys' masks, none of them included."""
        found = {X.LockMask}
        for name in _LOCKS:
            keycode = self._display.keysym_to_keycode(XK.string_to_keysym(name))
            for place, keycodes in enumerate(self._display.get_modifier_mapping()):
                if keycode and keycode in keycodes:
                    found.add(1 << place)
        found.discard(0)
        some = [itertools.combinations(sorted(found), count) for count in range(len(found) + 1)]
        return sorted({sum(masks) for group in some for masks in group})
