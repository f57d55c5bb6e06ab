"""Choosing the one window that is meant."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot import capture
from nitropilot.capture.finder import match
from nitropilot.capture.window import Rect, Window, parse_handle

if TYPE_CHECKING:
    from nitropilot.agent.target.display import PrivateDisplay
    from tests.capture.conftest import Launcher


def made(handle: int, executable: str, pid: int = 0, title: str = "") -> Window:
    return Window(handle, pid or None, executable, title, Rect(0, 0, 800, 600), ":0", False)


WINDOWS = (
    made(1, "Hades.exe"),
    made(2, "hades2.exe"),
    made(3, "firefox", title="Hades.exe - guide"),
    made(4, "Straße"),
    made(5, ""),
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"process": "Hades.exe"}, [1]),
        ({"process": "hades"}, [1]),
        ({"process": "HADES.EXE"}, [1]),
        ({"process": " hades2 "}, [2]),
        ({"process": "hade"}, [1, 2]),
        ({"process": "2.exe"}, [2]),
        ({"process": "STRASSE"}, [4]),
        ({"process": "guide"}, []),
        ({"handle": 3}, [3]),
        ({"handle": 9}, []),
        ({"handle": 3, "process": "hades"}, []),
        ({"handle": 2, "process": "hades"}, [2]),
    ],
)
def test_matching(asked: dict[str, Any], expected: list[int]) -> None:
    """Users type a name as they remember it; a title must never decide."""
    assert [window.handle for window in match(WINDOWS, **asked)] == expected


@pytest.mark.parametrize("pid", [-1, 0, 2**40])
def test_impossible_pid_matches_nothing(pid: int) -> None:
    """A pid that cannot exist is a pid that is not found, not a crash."""
    assert match(WINDOWS, pid=pid) == []


@pytest.mark.parametrize(("text", "handle"), [("0x1a0", 416), ("416", 416), (" 0X1A0 ", 416)])
def test_handles_as_people_write_them(text: str, handle: int) -> None:
    """Tools print handles both ways."""
    assert parse_handle(text) == handle


@pytest.mark.parametrize("text", ["", "game", "0x", "0xgame", "-5", "0", "1a0", "1.5"])
def test_rubbish_handles(text: str) -> None:
    """A name given where a handle belongs must be quoted back, not end in a ValueError."""
    with pytest.raises(capture.WindowNotFound, match="is not a window handle") as caught:
        parse_handle(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("asked", [{}, {"process": ""}, {"process": " .exe "}])
def test_asking_for_nothing(asked: dict[str, Any]) -> None:
    """An empty name is part of every name: it would pick any window at random."""
    with pytest.raises(capture.WindowNotFound, match="no window was named"):
        capture.find_window(**asked)


def test_titles_cannot_send_escape_codes() -> None:
    """A window title printed as it is could rewrite the user's terminal."""
    assert "\x1b" not in made(1, "game", title="\x1b[2J\nhello").describe()


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs X11")


@linux_only
def test_find_by_process_handle_and_pid(display: PrivateDisplay, launcher: Launcher) -> None:
    """The three ways to name a window must lead to the same one."""
    child = launcher.window(display.name, "FancyGame.exe", title="")
    launcher.window(display.name, "Other")
    found = capture.find_window(process="fancygame", display=display.name)
    assert (found.handle, found.pid, found.executable) == (child.handle, child.pid, "FancyGame.exe")
    assert capture.find_window(handle=child.handle) == found
    assert capture.find_window(pid=child.pid, process="Fancy") == found


WINE_NAME = r"C:\Program Files\Hollow Knight\Hollow Knight Silksong.exe"
RENAMED = """
import json, os, sys
name, comm, options = sys.argv[1:4]
if name:
    os.execv(sys.executable, [name, "-c", sys.argv[4], "", comm, options, sys.argv[4]])
with open("/proc/self/comm", "w") as file:
    file.write(comm)
from tests.capture.xwindow import main
sys.argv[1:] = [options]
main()
"""
"""A window's program, first under another first word of its command line, then of another name."""


@linux_only
@pytest.mark.parametrize(
    ("first_word", "own_name", "asked", "shown"),
    [
        (WINE_NAME, "Hollow Knight S", "hollow knight silksong", "Hollow Knight Silksong.exe"),
        (WINE_NAME, "Hollow Knight S", "Hollow Knight Silksong.exe", "Hollow Knight Silksong.exe"),
        (WINE_NAME, "wine64-preloade", "silksong", "wine64-preloade"),
        ("/opt/a game/Celeste", "MainThrd", "celeste", "MainThrd"),
        ("/opt/a game/Celeste", "MainThrd", "mainthrd", "MainThrd"),
        ("nothing", "MainThrd", "python", "MainThrd"),
    ],
)
def test_games_under_other_names(
    display: PrivateDisplay,
    launcher: Launcher,
    first_word: str,
    own_name: str,
    asked: str,
    shown: str,
) -> None:
    """The system keeps 15 letters of a name, Wine runs games, and threads rename themselves."""
    options = json.dumps({"display": display.name})
    child = launcher.run(
        [sys.executable, "-c", RENAMED, first_word, own_name, options, RENAMED],
        PYTHONHOME=sys.base_prefix,
    )
    found = capture.find_window(process=asked, display=display.name)
    assert (found.handle, found.executable) == (child.handle, shown)


@linux_only
def test_find_the_game_behind_a_launcher(display: PrivateDisplay, launcher: Launcher) -> None:
    """Shops start a launcher, which starts the game: the pid at hand is the launcher's."""
    child = launcher.window(display.name, "LaunchedGame")
    found = capture.find_window(pid=os.getpid(), process="LaunchedGame")
    assert found.handle == child.handle


@linux_only
def test_ambiguous_name_lists_the_candidates(display: PrivateDisplay, launcher: Launcher) -> None:
    """The user needs the handles of all candidates to say which one."""
    children = [launcher.window(display.name, "TwinGame", title=title) for title in ("one", "two")]
    with pytest.raises(capture.AmbiguousWindow, match="2 windows have process 'twin'") as caught:
        capture.find_window(process="twin")
    assert {window.handle for window in caught.value.candidates} == {c.handle for c in children}
    for child, title in zip(children, ("one", "two"), strict=True):
        described = f"{child.handle:#x} (pid {child.pid}, TwinGame, {title!r}, 200x150)"
        assert described in caught.value.line()


@linux_only
def test_nothing_found(display: PrivateDisplay) -> None:
    """The error must repeat what was asked and name the command that lists windows."""
    with pytest.raises(capture.WindowNotFound) as caught:
        capture.find_window(handle=0x77, pid=12, process="nogame")
    for part in ("handle 0x77", "pid 12", "process 'nogame'", "`nitropilot windows`"):
        assert part in caught.value.line()
