"""Hotkeys on Windows: ``RegisterHotKey``, whose messages come to the thread that asked."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Protocol

from nitropilot.controller.errors import ControllerError
from nitropilot.controller.human.hotkeys import KEYS, HotkeyListener

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nitropilot.controller.human.hotkeys import Hotkey

MOD_NOREPEAT = 0x4000
_MASKS = {"alt": 0x1, "ctrl": 0x2, "shift": 0x4, "super": 0x8}
ERROR_HOTKEY_ALREADY_REGISTERED = 1409


class User32(Protocol):
    """The calls of Windows that are used here, each from the listener's thread but the last."""

    def thread_id(self) -> int:
        """The calling thread, which has a queue of messages from now on."""

    def register(self, number: int, modifiers: int, vk: int) -> int:
        """Ask for a hotkey; 0, or the error's number."""

    def unregister(self, number: int) -> None:
        """Give it back."""

    def next_hotkey(self) -> int | None:
        """Wait for a hotkey and return its number; None once the thread is to end."""

    def end(self, thread_id: int) -> None:
        """Make ``next_hotkey`` of that thread return None."""


def load_user32() -> User32:
    """The calls of this Windows."""
    if sys.platform == "win32":
        from nitropilot.controller.human.win32_hotkey_api import Api

        return Api()
    raise ControllerError("these hotkeys are a part of Windows")


class Win32Hotkeys(HotkeyListener):
    """Registers hotkeys in a thread of its own.

    Args:
        actions: What each hotkey does.
        user32: The system's calls.

    Raises:
        ControllerError: Windows gives the thread no hotkeys at all.
    """

    def __init__(self, actions: Mapping[Hotkey, Callable[[], object]], user32: User32) -> None:
        self._actions = list(actions.items())
        self._user32 = user32
        self._thread_id = 0
        self._numbers: list[int] = []
        self._failure: Exception | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name="nitropilot-hotkeys", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise ControllerError(
                f"no hotkeys: Windows does not give them ({self._failure})",
                "start NitroPilot in the session of your desktop",
            ) from self._failure

    def close(self) -> None:
        """As ``HotkeyListener``."""
        if self._thread.is_alive():
            self._user32.end(self._thread_id)
            self._thread.join()

    def _work(self) -> None:
        try:
            try:
                self._thread_id = self._user32.thread_id()
                self._register()
            except Exception as error:  # noqa: BLE001 - raised in the thread that waits for us
                self._failure = error
                return
            finally:
                self._ready.set()
            while (number := self._user32.next_hotkey()) is not None:
                if number in self._numbers:
                    hotkey, action = self._actions[number]
                    threading.Thread(
                        target=action, name=f"nitropilot-{hotkey}", daemon=True
                    ).start()
        finally:
            for number in self._numbers:
                self._user32.unregister(number)

    def _register(self) -> None:
        """Ask for every hotkey, and note the numbers of those that were given."""
        trouble = []
        for number, (hotkey, _) in enumerate(self._actions):
            modifiers = sum(_MASKS[name] for name in hotkey.modifiers) | MOD_NOREPEAT
            problem = self._user32.register(number, modifiers, KEYS[hotkey.key].vk)
            if not problem:
                self._numbers.append(number)
            elif problem == ERROR_HOTKEY_ALREADY_REGISTERED:
                trouble.append(f"hotkey {hotkey}: another program has it")
            else:
                trouble.append(f"hotkey {hotkey}: Windows refused it (error {problem})")
        self.trouble = tuple(trouble)
