"""A display that does not answer costs frames, and holds up nobody."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if sys.platform != "linux":
    pytest.skip("X servers are for Linux", allow_module_level=True)

from Xlib.display import Display

from nitropilot import capture
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.capture import bounded
from nitropilot.capture.errors import DisplaySilent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.capture import Window

LONG_S = 60.0


@pytest.fixture
def own_server() -> Iterator[PrivateDisplay]:
    """An X server that may be stopped."""
    server = PrivateDisplay.start((320, 240))
    yield server
    os.kill(server.process.pid, signal.SIGCONT)
    server.close()


@contextmanager
def window_on(server: PrivateDisplay) -> Iterator[Window]:
    """A mapped window."""
    display = Display(server.name)
    root = display.screen().root
    made = root.create_window(10, 10, 100, 80, 0, display.screen().root_depth)
    pid = display.intern_atom("_NET_WM_PID")
    made.change_property(pid, display.intern_atom("CARDINAL"), 32, [os.getpid()])
    made.map()
    display.sync()
    yield capture.find_window(handle=made.id, display=server.name)
    display.close()


@contextmanager
def no_thread_left() -> Iterator[None]:
    """None that calls displays, of those that are begun meanwhile."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + LONG_S
    while any(
        thread.name == "nitropilot-display" for thread in set(threading.enumerate()) - before
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stopped_server(own_server: PrivateDisplay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question comes back; when the server does, so do the pictures, each of its own time."""
    with no_thread_left(), window_on(own_server) as window:
        grabber, probe = capture.open_grabber(window), capture.open_response_probe(window)
        assert grabber.grab().pixels.shape == (80, 100, 3)
        monkeypatch.setattr(bounded, "PATIENCE_S", 0.3)
        os.kill(own_server.process.pid, signal.SIGSTOP)
        for _ in range(3):
            with pytest.raises(DisplaySilent, match=f"display {own_server.name} has not answered"):
                grabber.grab()
        assert probe.poll() is None
        os.kill(own_server.process.pid, signal.SIGCONT)
        began = time.perf_counter()
        deadline = began + LONG_S
        while True:
            try:
                frame = grabber.grab()
                break
            except DisplaySilent:
                assert time.perf_counter() < deadline
        assert frame.time >= began, "not the late answer to a question of before"
        grabber.close()
        probe.close()
        grabber.close()


def test_what_is_closed_while_its_server_is_silent_goes_later(
    own_server: PrivateDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the close nor the end of the program waits for a server that is stopped."""
    with no_thread_left(), window_on(own_server) as window:
        grabber = capture.open_grabber(window)
        monkeypatch.setattr(bounded, "PATIENCE_S", 0.3)
        os.kill(own_server.process.pid, signal.SIGSTOP)
        with pytest.raises(DisplaySilent):
            grabber.grab()
        grabber.close()
        os.kill(own_server.process.pid, signal.SIGCONT)


def test_windows_of_a_silent_server(
    own_server: PrivateDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for a list of windows is told, and is not kept for ever."""
    monkeypatch.setattr(bounded.call_once, "__defaults__", (0.3,))
    os.kill(own_server.process.pid, signal.SIGSTOP)
    with pytest.raises(DisplaySilent):
        capture.list_windows(own_server.name)


def test_a_silent_display_does_not_fill_the_process_with_threads(
    own_server: PrivateDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that lists windows asks every few seconds, and each question takes a thread."""
    monkeypatch.setattr(bounded.call_once, "__defaults__", (0.05,))
    with no_thread_left():
        before = threading.active_count()
        os.kill(own_server.process.pid, signal.SIGSTOP)
        for _ in range(3 * bounded.MOST_SILENT):
            with pytest.raises(DisplaySilent) as caught:
                capture.list_windows(own_server.name)
        assert threading.active_count() - before <= bounded.MOST_SILENT
        assert f"has left {bounded.MOST_SILENT} questions unanswered" in str(caught.value)
        os.kill(own_server.process.pid, signal.SIGCONT)
    assert capture.list_windows(own_server.name) == (), "and it is asked again"
