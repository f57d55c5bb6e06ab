"""Hotkeys: their names, the real X server, and Windows at its calls."""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.controller.errors import ControllerError
from nitropilot.controller.human.hotkeys import (
    DEFAULT_PANIC,
    DEFAULT_TOGGLE,
    KEYS,
    Hotkey,
    HotkeyInvalid,
    hotkey_report,
    open_hotkeys,
    parse_hotkey,
)
from nitropilot.controller.human.win32_hotkeys import (
    ERROR_HOTKEY_ALREADY_REGISTERED,
    MOD_NOREPEAT,
    Win32Hotkeys,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay

TOGGLE = Hotkey(("ctrl", "shift"), "f7")
PANIC = Hotkey(("ctrl", "shift"), "f8")
PATIENCE_S = 60.0
X_TCP_PORT = 6000
"""Of display 0 at a host that is named."""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Xvfb runs on Linux only")


@pytest.mark.parametrize(
    ("text", "hotkey"),
    [
        (DEFAULT_TOGGLE, TOGGLE),
        (DEFAULT_PANIC, PANIC),
        (" Shift + CTRL + F7 ", TOGGLE),
        ("pause", Hotkey((), "pause")),
        ("super+p", Hotkey(("super",), "p")),
        ("", None),
        ("  ", None),
    ],
)
def test_names(text: str, hotkey: Hotkey | None) -> None:
    """People write them in any order and case; an empty one is a choice."""
    assert parse_hotkey(text) == hotkey


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ctrl+f99", "'f99'"),
        ("ctl+f7", "'ctl'"),
        ("f7+ctrl", "'f7'"),
        ("ctrl+", "''"),
        ("a", "every program"),
        ("shift+a", "every program"),
        ("ctrl+shift", "'shift'"),
    ],
)
def test_wrong_names_are_said(text: str, word: str) -> None:
    """A panic key that was misread and does nothing is found out too late."""
    with pytest.raises(HotkeyInvalid, match=word) as wrong:
        parse_hotkey(text)
    assert wrong.value.hint


def test_wayland_and_no_display_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """XWayland takes the grab and gives the key only to its own windows: worse than none."""
    if sys.platform == "win32":
        pytest.skip("Windows has hotkeys everywhere")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    report = hotkey_report()
    assert not report.available
    assert "Wayland" in report.reason
    assert report.hint
    with pytest.raises(ControllerError, match="Wayland"):
        open_hotkeys({TOGGLE: lambda: None})
    monkeypatch.delenv("WAYLAND_DISPLAY")
    assert hotkey_report().available
    monkeypatch.delenv("DISPLAY")
    assert not hotkey_report().available


class Keyboard:
    """A second client of the X server: presses keys, has the focus, and sees what comes."""

    def __init__(self, name: str) -> None:
        from tests.capture.xwindow import XWindow

        self.window = XWindow(name)
        self.display = self.window.display
        from Xlib import X

        self.window.window.change_attributes(event_mask=X.KeyPressMask)
        self.window.window.map()
        self.display.sync()
        self.window.window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self.display.sync()

    def code(self, keysym: str) -> int:
        """The keycode of a key."""
        from Xlib import XK

        code: int = self.display.keysym_to_keycode(XK.string_to_keysym(keysym))
        return code

    def press(self, *keysyms: str) -> None:
        """Press keys in order and let them go again, as slowly as the quickest of people.

        X counts milliseconds, and a key that goes down in the one in which it came up repeats.
        """
        from Xlib import X
        from Xlib.ext import xtest

        codes = [self.code(name) for name in keysyms]
        assert all(codes)
        time.sleep(0.01)
        for kind, order in ((X.KeyPress, codes), (X.KeyRelease, codes[::-1])):
            for code in order:
                xtest.fake_input(self.display, kind, code)
        self.display.sync()

    def seen(self) -> set[int]:
        """Keycodes that the window with the focus got."""
        from Xlib import X

        self.display.sync()
        events = [self.display.next_event() for _ in range(self.display.pending_events())]
        return {event.detail for event in events if event.type == X.KeyPress}


@pytest.fixture
def keyboard(display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyboard]:
    """The keyboard of an X server, where no Wayland is."""
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    keyboard = Keyboard(display.name)
    yield keyboard
    keyboard.window.close()


@linux_only
def test_x11_calls_and_keeps_the_key_from_the_game(keyboard: Keyboard) -> None:
    """The game must not quick-load because the agent was toggled; other keys are its own."""
    calls: queue.Queue[str] = queue.Queue()
    listener = open_hotkeys({TOGGLE: lambda: calls.put("t"), PANIC: lambda: calls.put("p")})
    try:
        assert listener.trouble == ()
        keyboard.press("Control_L", "Shift_L", "F7")
        assert calls.get(timeout=PATIENCE_S) == "t"
        keyboard.press("Control_L", "Shift_L", "F8")
        assert calls.get(timeout=PATIENCE_S) == "p"
        keyboard.press("F7")
        keyboard.press("Control_L", "F8")
        keyboard.press("Control_L", "Shift_L", "Alt_L", "F7")
        deadline = time.monotonic() + PATIENCE_S
        seen: set[int] = set()
        while not {keyboard.code("F7"), keyboard.code("F8")} <= seen:
            seen |= keyboard.seen()
            assert time.monotonic() < deadline
        assert calls.empty()
        for lock in ("Num_Lock", "Caps_Lock"):
            keyboard.press(lock)
            keyboard.seen()
            keyboard.press("Control_L", "Shift_L", "F7")
            assert calls.get(timeout=PATIENCE_S) == "t", lock
            assert keyboard.code("F7") not in keyboard.seen()
            keyboard.press(lock)
        keyboard.press("Num_Lock")
        keyboard.press("Caps_Lock")
        keyboard.press("Control_L", "Shift_L", "F8")
        assert calls.get(timeout=PATIENCE_S) == "p"
    finally:
        for lock in ("Num_Lock", "Caps_Lock"):
            keyboard.press(lock)
        listener.close()
        listener.close()
    keyboard.seen()
    keyboard.press("Control_L", "Shift_L", "F7")
    deadline = time.monotonic() + PATIENCE_S
    while keyboard.code("F7") not in keyboard.seen():
        assert time.monotonic() < deadline, "the key was not given back"
    assert calls.empty()


@linux_only
def test_an_x_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, or held by a game that is frozen: neither beginning nor end waits for it."""
    from nitropilot.controller.human import x11_hotkeys

    monkeypatch.setattr(x11_hotkeys, "PATIENCE_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        display = silent.getsockname()[1] - X_TCP_PORT
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{display}")
        with pytest.raises(ControllerError, match="said nothing"):
            x11_hotkeys.X11Hotkeys({TOGGLE: lambda: None})
        (thread,) = [one for one in threading.enumerate() if one.name == "nitropilot-hotkeys"]
        connection, _ = silent.accept()
        connection.close()
    thread.join()  # it ends as soon as the server says anything


@linux_only
def test_x11_says_what_it_cannot_have(keyboard: Keyboard) -> None:
    """One key that is taken must cost neither the other nor the daemon."""
    calls: queue.Queue[str] = queue.Queue()
    absent = Hotkey((), "f24")
    first = open_hotkeys({TOGGLE: lambda: calls.put("first")})
    try:
        actions = {TOGGLE: lambda: calls.put("t"), PANIC: lambda: calls.put("p")}
        second = open_hotkeys({**actions, absent: lambda: calls.put("absent")})
        try:
            assert second.trouble[0] == "hotkey ctrl+shift+f7: another program has it"
            if not keyboard.code("F24"):
                assert second.trouble[1:] == ("hotkey f24: this keyboard has no key f24",)
            keyboard.press("Control_L", "Shift_L", "F7")
            assert calls.get(timeout=PATIENCE_S) == "first"
            keyboard.press("Control_L", "Shift_L", "F8")
            assert calls.get(timeout=PATIENCE_S) == "p"
        finally:
            second.close()
    finally:
        first.close()


@linux_only
def test_x11_follows_a_new_layout(keyboard: Keyboard) -> None:
    """A keyboard that is plugged in later may have the key elsewhere, or for the first time."""
    code = keyboard.code("F7")
    spare = keyboard.code("F8")
    keys = keyboard.display.get_keyboard_mapping(code, 1)[0]
    others = keyboard.display.get_keyboard_mapping(spare, 1)[0]
    calls: queue.Queue[str] = queue.Queue()
    listener = open_hotkeys({TOGGLE: lambda: calls.put("t")})
    try:
        keyboard.display.change_keyboard_mapping(code, [[0] * len(keys)])
        keyboard.display.change_keyboard_mapping(spare, [list(keys)])
        keyboard.display.sync()
        deadline = time.monotonic() + PATIENCE_S
        while calls.empty():
            assert time.monotonic() < deadline, "the key was not found again"
            keyboard.press("Control_L", "Shift_L", "F8")  # our own table is the old one
            time.sleep(0.1)
    finally:
        keyboard.display.change_keyboard_mapping(code, [list(keys)])
        keyboard.display.change_keyboard_mapping(spare, [list(others)])
        keyboard.display.sync()
        listener.close()


class FakeUser32:
    """Windows' calls: a queue of messages a thread, and keys that others have."""

    def __init__(self, taken: dict[tuple[int, int], int] | None = None) -> None:
        self.taken = taken or {}
        self.registered: dict[int, tuple[int, int]] = {}
        self.messages: queue.Queue[int | None] = queue.Queue()
        self.threads: set[int] = set()

    def thread_id(self) -> int:
        return threading.get_ident()

    def register(self, number: int, modifiers: int, vk: int) -> int:
        self.threads.add(threading.get_ident())
        problem = self.taken.get((modifiers & ~MOD_NOREPEAT, vk), 0)
        if not problem:
            self.registered[number] = (modifiers, vk)
        return problem

    def unregister(self, number: int) -> None:
        self.threads.add(threading.get_ident())
        del self.registered[number]

    def next_hotkey(self) -> int | None:
        self.threads.add(threading.get_ident())
        return self.messages.get()

    def end(self, thread_id: int) -> None:
        assert thread_id in self.threads, "the message would go to another thread's queue"
        self.messages.put(None)


def test_windows_registers_calls_and_gives_back() -> None:
    """All in one thread, as Windows wants it; a held key must not toggle again and again."""
    calls: queue.Queue[str] = queue.Queue()
    user32 = FakeUser32()
    listener = Win32Hotkeys({TOGGLE: lambda: calls.put("t"), PANIC: lambda: calls.put("p")}, user32)
    assert listener.trouble == ()
    assert user32.registered == {0: (MOD_NOREPEAT | 6, 0x76), 1: (MOD_NOREPEAT | 6, 0x77)}
    for number, word in ((1, "p"), (0, "t")):
        user32.messages.put(number)
        assert calls.get(timeout=PATIENCE_S) == word
    user32.messages.put(7)
    listener.close()
    listener.close()
    assert calls.empty()
    assert user32.registered == {}
    assert len(user32.threads) == 1


def test_windows_says_what_it_cannot_have() -> None:
    """Not fatal: the other key works."""
    taken = {(6, 0x76): ERROR_HOTKEY_ALREADY_REGISTERED, (6, 0x77): 5}
    calls: queue.Queue[str] = queue.Queue()
    user32 = FakeUser32(taken)
    other = Hotkey(("ctrl",), "home")
    actions: dict[Hotkey, Any] = {hotkey: lambda: calls.put("x") for hotkey in (TOGGLE, PANIC)}
    listener = Win32Hotkeys({**actions, other: lambda: calls.put("home")}, user32)
    assert listener.trouble == (
        "hotkey ctrl+shift+f7: another program has it",
        "hotkey ctrl+shift+f8: Windows refused it (error 5)",
    )
    user32.messages.put(2)
    assert calls.get(timeout=PATIENCE_S) == "home"
    listener.close()


@pytest.mark.parametrize("call", ["thread_id", "register"])
def test_windows_gives_none_at_all(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon without a desktop must say so and start, not wait for its hotkeys for ever."""
    user32 = FakeUser32()
    really = user32.register

    def refuse(*words: int) -> int:
        if call == "register" and words[0] == 0:
            return really(*words)
        raise OSError("no desktop")

    monkeypatch.setattr(user32, call, refuse)
    raised: queue.Queue[BaseException | None] = queue.Queue()

    def listen() -> None:
        try:
            Win32Hotkeys({TOGGLE: lambda: None, PANIC: lambda: None}, user32)
        except BaseException as error:
            raised.put(error)

    threading.Thread(target=listen, daemon=True).start()
    error = raised.get(timeout=PATIENCE_S)
    assert isinstance(error, ControllerError)
    assert "no desktop" in str(error)
    assert error.hint
    assert user32.registered == {}, "what was given is given back"


def test_every_key_has_its_own_code() -> None:
    """Two names for one key would let toggle and panic be the same."""
    assert len({key.vk for key in KEYS.values()}) == len(KEYS)
    assert len({key.keysym for key in KEYS.values()}) == len(KEYS)
