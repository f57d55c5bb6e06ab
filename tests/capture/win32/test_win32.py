"""The Windows half, over a fake of the system's calls."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from mss.exception import ScreenShotError

from nitropilot.capture import GrabFailed, Rect, Window, WindowMinimised, WindowVanished
from nitropilot.capture.mss_grabber import MssGrabber
from nitropilot.capture.win32.windows import HungProbe, Win32Locator, list_windows


@dataclass
class FakeWindow:
    title: str = "A game"
    rect: Rect | None = field(default_factory=lambda: Rect(100, 50, 4, 2))
    pid: int | None = field(default_factory=os.getpid)
    visible: bool = True
    iconic: bool = False
    cloaked: bool = False
    hung: bool = False


class FakeApi:
    """Windows as user32 and dwmapi would describe them."""

    def __init__(self, *windows: FakeWindow) -> None:
        self.windows = {0x10 + number: window for number, window in enumerate(windows)}
        self.screen = Rect(-1920, 0, 3840, 1080)
        self.shell = 0

    def top_level_windows(self) -> list[int]:
        return list(self.windows)

    def shell_window(self) -> int:
        return self.shell

    def exists(self, handle: int) -> bool:
        return handle in self.windows

    def visible(self, handle: int) -> bool:
        return self.windows[handle].visible

    def iconic(self, handle: int) -> bool:
        return self.windows[handle].iconic

    def cloaked(self, handle: int) -> bool:
        return self.windows[handle].cloaked

    def title(self, handle: int) -> str:
        return self.windows[handle].title

    def pid(self, handle: int) -> int | None:
        return self.windows[handle].pid

    def client_rect(self, handle: int) -> Rect | None:
        return self.windows[handle].rect

    def virtual_screen(self) -> Rect:
        return self.screen

    def hung(self, handle: int) -> bool:
        return self.windows[handle].hung


@dataclass
class FakeShot:
    raw: bytearray


class FakeScreen:
    """``mss.MSS``: remembers the regions, yields pixels of blue 1, green 2, red 3."""

    def __init__(self) -> None:
        self.regions: list[dict[str, int]] = []
        self.opened = 0
        self.closed = 0
        self.failure: Exception | None = None

    def open(self) -> FakeScreen:
        self.opened += 1
        return self

    def grab(self, monitor: dict[str, Any], /) -> FakeShot:
        self.regions.append(monitor)
        if self.failure:
            raise self.failure
        return FakeShot(bytearray([1, 2, 3, 255] * monitor["width"] * monitor["height"]))

    def close(self) -> None:
        self.closed += 1
        if self.failure:
            raise self.failure


def window_of(api: FakeApi) -> Window:
    pid = api.windows[0x10].pid
    return Window(0x10, pid, "game.exe", "A game", Rect(0, 0, 4, 2), "", False)


def grabber_of(api: FakeApi, screen: FakeScreen) -> MssGrabber:
    window = window_of(api)
    return MssGrabber(window, Win32Locator(api, window), screen.open)


def test_listing() -> None:
    """The list must hold what a player sees in the task bar, with the inner area in pixels."""
    big = Rect(0, 0, 800, 600)
    api = FakeApi(
        FakeWindow(rect=big),
        FakeWindow("", big),
        FakeWindow("minimised", Rect(-32000, -32000, 0, 0), iconic=True),
        FakeWindow("hidden", big, visible=False),
        FakeWindow("other desktop", big, cloaked=True),
        FakeWindow("tray helper", Rect(0, 0, 63, 600)),
        FakeWindow("closed meanwhile", None),
        FakeWindow("closed a moment later", big, pid=None),
        FakeWindow("Program Manager", big),
    )
    api.shell = 0x18
    first, second, third = list_windows(api)
    names = (first.executable, first.aliases)
    assert first == Window(0x10, os.getpid(), names[0], "A game", big, "", False, names[1])
    assert first.executable.startswith("py")
    assert (second.handle, second.title) == (0x11, "")
    assert (third.handle, third.minimised) == (0x12, True)


def test_mss_is_given_the_inner_area() -> None:
    """The title bar or the neighbour's pixels in the picture would mislead the policy."""
    api, screen = FakeApi(FakeWindow()), FakeScreen()
    with grabber_of(api, screen) as grabber:
        frame = grabber.grab()
        assert screen.regions == [{"left": 100, "top": 50, "width": 4, "height": 2}]
        assert frame.pixels.shape == (2, 4, 3)
        assert frame.pixels[0, 0].tolist() == [3, 2, 1]
        api.windows[0x10].rect = Rect(-500, 7, 8, 4)
        assert grabber.grab().size == (8, 4)
        assert screen.regions[-1] == {"left": -500, "top": 7, "width": 8, "height": 4}
        assert grabber.window.rect == Rect(-500, 7, 8, 4)
    assert (screen.opened, screen.closed) == (1, 1)


def test_clipped_to_all_monitors() -> None:
    """Monitors left of the primary one have negative coordinates and count as screen."""
    api, screen = FakeApi(FakeWindow(rect=Rect(-1922, -1, 10, 5))), FakeScreen()
    with grabber_of(api, screen) as grabber:
        grabber.grab()
    assert screen.regions == [{"left": -1920, "top": 0, "width": 8, "height": 4}]


@pytest.mark.parametrize(
    "state", [{"iconic": True}, {"visible": False}, {"cloaked": True}, {"rect": Rect(5, 5, 0, 0)}]
)
def test_nothing_to_see(state: dict[str, Any]) -> None:
    """A minimised game leaves the desktop's pixels in its place."""
    api, screen = FakeApi(FakeWindow()), FakeScreen()
    with grabber_of(api, screen) as grabber:
        api.windows[0x10] = replace(api.windows[0x10], **state)
        with pytest.raises(WindowMinimised):
            grabber.grab()
    assert screen.regions == []


def test_gone() -> None:
    """A closed window, and a handle that another process got meanwhile, are both gone."""
    api, screen = FakeApi(FakeWindow()), FakeScreen()
    window = window_of(api)
    with grabber_of(api, screen) as grabber, HungProbe(api, window) as probe:
        for change in (lambda: setattr(api.windows[0x10], "pid", 1), api.windows.clear):
            change()
            for call in (grabber.grab, probe.poll, lambda: Win32Locator(api, window)):
                with pytest.raises(WindowVanished, match="0x10"):
                    call()


def test_closed_between_two_calls() -> None:
    """The window can close after it was found alive and before its place was asked."""
    api = FakeApi(FakeWindow())
    with grabber_of(api, FakeScreen()) as grabber:
        api.windows[0x10].rect = None
        with pytest.raises(WindowVanished):
            grabber.grab()


def test_failed_grab_starts_afresh() -> None:
    """Reading fails while a game switches modes; the next grab must get a new try.

    mss repeats a lost connection's error when closed, which must not hide the first one.
    """
    api, screen = FakeApi(FakeWindow()), FakeScreen()
    with grabber_of(api, screen) as grabber:
        screen.failure = ScreenShotError("BitBlt failed")
        with pytest.raises(GrabFailed, match="BitBlt failed"):
            grabber.grab()
        screen.failure = ScreenShotError("Library libxcb-render.so not found")
        with pytest.raises(GrabFailed) as failure:
            grabber.grab()
        assert "libxcb-render0" in failure.value.hint
        screen.failure = None
        assert grabber.grab().index == 0
    assert (screen.opened, screen.closed) == (3, 3)


def test_changed_resolution_reopens_mss() -> None:
    """mss sizes its buffer once: after a resolution change it would refuse or read too little."""
    api, screen = FakeApi(FakeWindow()), FakeScreen()
    with grabber_of(api, screen) as grabber:
        grabber.grab()
        api.screen = Rect(0, 0, 2560, 1440)
        grabber.grab()
        grabber.grab()
    assert (screen.opened, screen.closed) == (2, 2)


def test_hung_window() -> None:
    """Windows knows which windows stopped reading messages."""
    api = FakeApi(FakeWindow())
    with HungProbe(api, window_of(api)) as probe:
        assert probe.poll() is True
        api.windows[0x10].hung = True
        assert probe.poll() is False
