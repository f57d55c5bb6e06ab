"""What ``doctor`` is told of capture: nobody is to be sent into a game that is black."""

from __future__ import annotations

import socket
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from nitropilot import capture
from nitropilot.capture import bounded
from nitropilot.capture.errors import DisplaySilent
from nitropilot.capture.sight import knows_processes

if not sys.platform.startswith("linux"):
    pytest.skip("X11 windows are tested on Linux", allow_module_level=True)

from nitropilot.capture.x11.connection import X11
from tests.capture.conftest import Launcher, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay

RED, BLACK = 0xCC2211, 0x000000


@pytest.fixture(scope="module")
def empty() -> Iterator[PrivateDisplay]:
    """A display with no windows of other tests."""
    from nitropilot.agent.target.display import PrivateDisplay

    display = PrivateDisplay.start((640, 480))
    yield display
    display.close()


def listed(display: PrivateDisplay, handle: int) -> bool:
    return handle in {window.handle for window in capture.list_windows(display.name)}


def test_a_window_that_can_be_seen(empty: PrivateDisplay, launcher: Launcher) -> None:
    """The usual case; a black one beside it (a console) changes nothing."""
    assert capture.check_sight(empty.name) == "no window is open now"
    black = launcher.window(empty.name, colour=BLACK)
    red = launcher.window(empty.name, colour=RED, place=(300, 10, 200, 150))
    until(lambda: listed(empty, black.handle) and listed(empty, red.handle))
    until(lambda: capture.check_sight(empty.name) == "2 windows can be seen")


def test_all_windows_are_black(empty: PrivateDisplay, launcher: Launcher) -> None:
    """As under a compositor that shows them to nobody: a list is not a picture."""
    black = launcher.window(empty.name, colour=BLACK)
    until(lambda: listed(empty, black.handle))
    with pytest.raises(capture.GrabFailed, match="black") as failure:
        capture.check_sight(empty.name)
    assert "--headless" in failure.value.hint


def test_no_display_at_all() -> None:
    """Said by the one who knows."""
    with pytest.raises(capture.NoDisplay):
        capture.check_sight(":987")


def test_xwayland_is_refused(empty: PrivateDisplay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its windows are black, also when none is open that could show it."""
    monkeypatch.setattr(X11, "is_xwayland", lambda _: True)
    with pytest.raises(capture.GrabFailed, match="XWayland"):
        capture.check_sight(empty.name)


def test_an_x_server_is_not_taken_for_xwayland(empty: PrivateDisplay) -> None:
    """Everybody on X11 would be sent away."""
    with X11(empty.name) as x:
        assert not x.is_xwayland()


@pytest.mark.parametrize(
    ("extensions", "outputs", "wanted"),
    [
        ({"XWAYLAND", "RANDR"}, [], True),
        ({"RANDR"}, ["XWAYLAND0", "XWAYLAND1"], True),
        ({"RANDR"}, ["DP-1", "HDMI-A-0"], False),
        ({"RANDR"}, [], False),
        (set(), ["XWAYLAND0"], False),
    ],
)
def test_how_xwayland_is_known(
    empty: PrivateDisplay,
    monkeypatch: pytest.MonkeyPatch,
    extensions: set[str],
    outputs: list[str],
    wanted: bool,
) -> None:
    """Debian 12's has no extension of its own; its outputs have the name."""
    screen = SimpleNamespace(outputs=range(len(outputs)), config_timestamp=0)
    with X11(empty.name) as x:
        real = x.display, x.root
        x.display = SimpleNamespace(
            query_extension=lambda name: name if name in extensions else None,
            xrandr_get_output_info=lambda output, _: SimpleNamespace(name=outputs[output]),
        )
        x.root = SimpleNamespace(xrandr_get_screen_resources=lambda: screen)
        assert x.is_xwayland() is wanted
        x.display, x.root = real


def test_a_display_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """``doctor`` has an end, whatever the X server does."""
    monkeypatch.setattr(bounded, "OPEN_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        display = f"127.0.0.1:{silent.getsockname()[1] - 6000}"
        for ask in (capture.check_sight, knows_processes):
            with pytest.raises(DisplaySilent):
                ask(display)
