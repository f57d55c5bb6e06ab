"""Listing windows on real X servers, with a window manager and without one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot import capture
from tests.capture.conftest import Launcher, until, window_manager

if not sys.platform.startswith("linux"):
    pytest.skip("X11 windows are tested on Linux", allow_module_level=True)

from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from nitropilot.agent.target.display import PrivateDisplay


def listed(display: str) -> dict[int, capture.Window]:
    return {window.handle: window for window in capture.list_windows(display)}


def test_everything_about_a_window(display: PrivateDisplay) -> None:
    """A player picks by these fields; a wrong one picks or grabs the wrong thing."""
    with XWindow(display.name, (31, 42, 320, 200), title="Übung 2: 玩") as mine:
        found = listed(display.name)[mine.handle]
    assert found.pid == os.getpid()
    assert found.executable.startswith("py")
    assert found.title == "Übung 2: 玩"
    assert found.rect == capture.Rect(31, 42, 320, 200)
    assert found.display == display.name
    assert not found.minimised


def test_display_from_the_environment(display: PrivateDisplay) -> None:
    """Without an argument the list must come from DISPLAY."""
    with XWindow(display.name) as mine:
        assert mine.handle in {window.handle for window in capture.list_windows()}


def test_window_without_any_property(display: PrivateDisplay) -> None:
    """Games with an empty title could not be chosen by tools that match titles."""
    with XWindow(display.name) as mine:
        mine.window.delete_property(mine.atom("WM_NORMAL_HINTS"))
        mine.display.sync()
        found = listed(display.name)[mine.handle]
    assert found.title == ""
    assert found.pid == os.getpid()


def test_old_latin_title(display: PrivateDisplay) -> None:
    """Old toolkits set only WM_NAME, in Latin-1; decoding it as UTF-8 would crash."""
    with XWindow(display.name, texts={"WM_NAME": "Größe"}) as mine:
        assert listed(display.name)[mine.handle].title == "Größe"


def test_broken_utf8_title(display: PrivateDisplay) -> None:
    """One program with a broken title must not take the whole list down."""
    with XWindow(display.name) as mine:
        utf8 = mine.atom("UTF8_STRING")
        mine.window.change_property(mine.atom("_NET_WM_NAME"), utf8, 8, b"bad \xff title")
        mine.display.sync()
        assert listed(display.name)[mine.handle].title == "bad \ufffd title"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"place": (0, 0, 63, 300)}, id="tiny"),
        pytest.param({"attributes": {"override_redirect": True}}, id="popup"),
        pytest.param({"attributes": {"window_class": 2}}, id="input only"),
        pytest.param({"mapped": False}, id="never shown"),
    ],
)
def test_helper_windows_are_left_out(display: PrivateDisplay, options: dict[str, Any]) -> None:
    """A list full of popups and message windows makes every process ambiguous."""
    with XWindow(display.name, title="helper", **options) as mine:
        assert mine.handle not in listed(display.name)


def test_a_game_that_takes_the_whole_screen(display: PrivateDisplay, launcher: Launcher) -> None:
    """Without a window manager many toolkits do so with a window that none may manage."""
    unmanaged: dict[str, Any] = {"attributes": {"override_redirect": True}}
    game = launcher.window(display.name, "FullScreen", place=(0, 0, 1280, 720), **unmanaged)
    splash = launcher.window(display.name, "Splash", place=(0, 0, 1280, 719), **unmanaged)
    found = listed(display.name)
    assert found[game.handle].rect == capture.Rect(0, 0, 1280, 720)
    assert capture.find_window(process="fullscreen", display=display.name).pid == game.pid
    assert splash.handle not in found
    with capture.open_grabber(found[game.handle]) as grabber:
        assert grabber.grab().pixels.shape == (720, 1280, 3)


def test_panels_are_left_out(display: PrivateDisplay) -> None:
    """The desktop's own panel is no game."""
    with XWindow(display.name) as mine:
        dock = mine.atom("_NET_WM_WINDOW_TYPE_DOCK")
        kind = mine.atom("_NET_WM_WINDOW_TYPE")
        mine.window.change_property(kind, mine.atom("ATOM"), 32, [dock])
        mine.display.sync()
        assert mine.handle not in listed(display.name)


def test_child_windows_are_left_out(display: PrivateDisplay) -> None:
    """A game's inner windows listed beside it would make it ambiguous."""
    before = set(listed(display.name))
    with XWindow(display.name, right_half=0xFF0000) as mine:
        assert set(listed(display.name)) - before == {mine.handle}


@pytest.mark.parametrize("state", [1, 3], ids=["normal", "iconic"])
def test_client_of_an_old_window_manager(display: PrivateDisplay, state: int) -> None:
    """Window managers without EWMH: the client must be listed, not the frame around it."""
    with XWindow(display.name, (40, 40, 300, 220)) as frame:
        frame.window.change_attributes(override_redirect=True)
        client = frame.window.create_window(5, 20, 290, 195, 0, 0, background_pixel=0)
        client.change_property(frame.atom("WM_STATE"), frame.atom("WM_STATE"), 32, [state, 0])
        client.map()
        frame.display.sync()
        found = listed(display.name)
    assert frame.handle not in found
    assert found[client.id].rect == capture.Rect(45, 60, 290, 195)
    assert found[client.id].minimised is (state == 3)


def test_pid_comes_from_the_server(display: PrivateDisplay, launcher: Launcher) -> None:
    """A window may claim any pid; pausing a game by a forged one would freeze a stranger."""
    silent = launcher.window(display.name)
    liar = launcher.window(display.name, numbers={"_NET_WM_PID": [1]})
    found = listed(display.name)
    assert found[silent.handle].pid == silent.pid
    assert found[liar.handle].pid == liar.pid
    assert found[liar.handle].executable == "SomeGame"


def test_claimed_pid_counts_for_this_machine_only() -> None:
    """Without X-Resource the claim is all there is, but a remote machine's pid is a stranger's."""
    server, name = _server_without("X-Resource")
    claim = {"_NET_WM_PID": [os.getpid()]}
    here, there = socket.gethostname(), "elsewhere.example"
    try:
        with (
            XWindow(name, numbers=claim, texts={"WM_CLIENT_MACHINE": here}) as local,
            XWindow(name, numbers=claim, texts={"WM_CLIENT_MACHINE": there}) as remote,
        ):
            found = listed(name)
            assert found[local.handle].pid == os.getpid()
            assert found[remote.handle].pid is None
            assert found[remote.handle].executable == ""
    finally:
        server.terminate()
        server.wait()


def _server_without(extension: str) -> tuple[subprocess.Popen[str], str]:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as reader:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "640x480x24",
             "-extension", extension, "-nolisten", "tcp", "-noreset"],
            pass_fds=[write_end], stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        os.close(write_end)
        number = reader.readline().strip()
    assert number, "Xvfb did not start"
    return server, f":{number}"


def test_clients_of_a_window_manager(managed_display: PrivateDisplay) -> None:
    """Under a window manager the client must be listed with its inner area, not the frame."""
    with XWindow(managed_display.name, (100, 120, 300, 200), title="framed") as mine:
        until(lambda: mine.handle in listed(managed_display.name))
        found = listed(managed_display.name)
        frame = mine.window.query_tree().parent.id
        assert frame != mine.root.id
        assert list(found) == [mine.handle]
        assert (found[mine.handle].rect.width, found[mine.handle].rect.height) == (300, 200)


def test_minimised_window_is_listed(managed_display: PrivateDisplay) -> None:
    """A minimised game must be named as such, or the player thinks it was not found."""
    with XWindow(managed_display.name) as mine:
        until(lambda: mine.handle in listed(managed_display.name))
        mine.iconify()
        until(lambda: listed(managed_display.name)[mine.handle].minimised)


def test_window_manager_that_crashed() -> None:
    """A dead window manager's list stays on the root window and never changes again."""
    from nitropilot.agent.target.display import PrivateDisplay as Server

    server = Server.start((640, 480))
    try:
        with XWindow(server.name) as old:
            with window_manager(server.name):
                until(lambda: old.handle in listed(server.name))
            until(lambda: old.window.query_tree().parent.id == old.root.id)
            with XWindow(server.name) as new:
                assert set(listed(server.name)) == {old.handle, new.handle}
    finally:
        server.close()


def test_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server or over SSH the user must read what to set, not a traceback."""
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(capture.NoDisplay, match="DISPLAY is not set") as caught:
        capture.list_windows()
    assert "set DISPLAY" in caught.value.line()


@pytest.mark.parametrize("name", [":9998", ":59998", "nonsense"])
def test_wrong_display(name: str) -> None:
    """A wrong display must be named in the error."""
    with pytest.raises(capture.NoDisplay, match=name):
        capture.list_windows(name)


def test_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS every entry must say that it is unsupported instead of failing inside."""
    window = capture.Window(1, None, "", "", capture.Rect(0, 0, 100, 100), "", False)
    monkeypatch.setattr(sys, "platform", "darwin")
    for call in (
        capture.list_windows,
        lambda: capture.open_grabber(window),
        lambda: capture.open_response_probe(window),
    ):
        with pytest.raises(capture.NoDisplay, match="darwin"):
            call()
