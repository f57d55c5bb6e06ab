"""Grabbing real windows: exact pixels, wherever the window goes, until it is gone."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot import capture

if not sys.platform.startswith("linux"):
    pytest.skip("X11 windows are tested on Linux", allow_module_level=True)

from Xlib.display import Display

from tests.capture.conftest import Launcher, until
from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay

BLUE, GREEN, RED, BLACK = 0x336699, 0x11AA22, 0xCC2211, 0x000000
MANY = 20
"""Programs after which the X server has used a dead one's ids again."""


def only_colour(frame: capture.Frame) -> int:
    """The one colour of a frame, as 0xRRGGBB."""
    red, green, blue = (int(value) for value in frame.pixels[0, 0])
    assert (frame.pixels == frame.pixels[0, 0]).all(), "the frame has several colours"
    return red << 16 | green << 8 | blue


@contextlib.contextmanager
def grabbing(mine: XWindow, display: str) -> Iterator[capture.Grabber]:
    window = until(lambda: [w for w in capture.list_windows(display) if w.handle == mine.handle])
    with capture.open_grabber(window[0]) as grabber:
        yield grabber


def test_a_frame_is_exactly_the_window(display: PrivateDisplay) -> None:
    """Swapped channels, a border or an offset of one pixel would all feed the policy wrongly."""
    with (
        XWindow(display.name, (33, 17, 200, 150), BLUE) as mine,
        grabbing(mine, display.name) as grabber,
    ):
        before = time.perf_counter()
        first, second = grabber.grab(), grabber.grab()
    assert first.pixels.shape == (150, 200, 3)
    assert first.pixels.flags.c_contiguous
    assert only_colour(first) == BLUE
    assert (first.index, second.index) == (0, 1)
    assert before <= first.time <= second.time <= time.perf_counter()


def test_frames_do_not_share_memory(display: PrivateDisplay) -> None:
    """A recorded frame must not change when the next one is grabbed."""
    with XWindow(display.name, colour=BLUE) as mine, grabbing(mine, display.name) as grabber:
        first = grabber.grab()
        mine.paint(RED)
        assert only_colour(grabber.grab()) == RED
        assert only_colour(first) == BLUE


def test_follows_moves_and_resizes(display: PrivateDisplay) -> None:
    """A window that was moved or changed its resolution must not leave the picture."""
    with (
        XWindow(display.name, (0, 0, 200, 150), BLUE) as mine,
        grabbing(mine, display.name) as grabber,
    ):
        grabber.grab()
        mine.place(501, 303, 321, 123)
        frame = grabber.grab()
        assert frame.size == (321, 123)
        assert only_colour(frame) == BLUE
        assert grabber.window.rect == capture.Rect(501, 303, 321, 123)


@pytest.mark.parametrize(
    ("left", "size", "colours"),
    [(-100, (100, 150), {RED}), (1230, (50, 150), {BLUE}), (-50, (150, 150), {BLUE, RED})],
    ids=["left half out", "right edge out", "quarter out"],
)
def test_partly_off_the_screen(
    display: PrivateDisplay, left: int, size: tuple[int, int], colours: set[int]
) -> None:
    """Reading beyond the screen's edge is an error in X; the visible part must still arrive."""
    with (
        XWindow(display.name, (left, 20, 200, 150), BLUE, right_half=RED) as mine,
        grabbing(mine, display.name) as grabber,
    ):
        frame = grabber.grab()
    assert frame.size == size
    values = frame.pixels.reshape(-1, 3).astype(int)
    seen = set((values[:, 0] << 16 | values[:, 1] << 8 | values[:, 2]).tolist())
    assert seen == colours


def test_off_the_screen(display: PrivateDisplay) -> None:
    """A window parked beyond the edge has no pixels; the error says where it is."""
    with (
        XWindow(display.name, (1280, 20, 200, 150)) as mine,
        grabbing(mine, display.name) as grabber,
    ):
        with pytest.raises(capture.WindowMinimised, match="at 1280,20 is off the screen"):
            grabber.grab()
        mine.place(1000, 20, 200, 150)
        assert grabber.grab().size == (200, 150)


def test_black_frames_are_delivered(display: PrivateDisplay) -> None:
    """Exclusive fullscreen reads as black: no crash, and the frame says so."""
    with XWindow(display.name, colour=BLACK) as mine, grabbing(mine, display.name) as grabber:
        assert grabber.grab().black
        mine.paint(BLUE)
        assert not grabber.grab().black


def test_hidden_window_without_a_window_manager(display: PrivateDisplay) -> None:
    """What lies behind an unmapped window must not be taken for the game."""
    with XWindow(display.name, colour=BLUE) as mine, grabbing(mine, display.name) as grabber:
        mine.show(False)
        with pytest.raises(capture.WindowMinimised, match="minimised or hidden"):
            grabber.grab()
        mine.show(True)
        assert only_colour(grabber.grab()) == BLUE


def test_minimised_window(managed_display: PrivateDisplay) -> None:
    """A minimised game is an error that says so, and grabbing goes on once it is restored."""
    with (
        XWindow(managed_display.name, (100, 100, 300, 200), BLUE) as mine,
        grabbing(mine, managed_display.name) as grabber,
    ):
        assert only_colour(grabber.grab()) == BLUE
        mine.iconify()
        with pytest.raises(capture.WindowMinimised, match="minimised"):
            until(lambda: grabber.grab() and None)
        mine.show(True)
        until(lambda: _is_all(grabber, BLUE))


def _is_all(grabber: capture.Grabber, colour: int) -> bool:
    """Whether the window is shown, and whole: a manager draws its frame first."""
    try:
        return only_colour(grabber.grab()) == colour
    except (capture.WindowMinimised, AssertionError):
        return False


FIRST_GRAB = """
import sys
from nitropilot import capture

begun = []
with capture.open_grabber(capture.find_window(handle=int(sys.argv[1]))) as grabber:
    sys.addaudithook(lambda event, _: event == "subprocess.Popen" and begun.append(event))
    grabber.grab()
print(len(begun))
"""


def test_the_first_picture_begins_no_program(display: PrivateDisplay) -> None:
    """mss asked five of them where its libraries lie, when somebody played already: on a busy
    machine no thread of ours went on for so long that the pad was let go."""
    with XWindow(display.name) as mine:
        command = [sys.executable, "-c", FIRST_GRAB, str(mine.handle)]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["0"]


def test_closed_window(display: PrivateDisplay) -> None:
    """The end of the game must be told apart from a failed grab, again and again."""
    with XWindow(display.name) as mine, grabbing(mine, display.name) as grabber:
        mine.destroy()
        for _ in range(2):
            with pytest.raises(capture.WindowVanished, match=f"{mine.handle:#x}"):
                grabber.grab()
        with pytest.raises(capture.WindowVanished):
            capture.open_grabber(grabber.window)


def test_window_id_used_again(display: PrivateDisplay, launcher: Launcher) -> None:
    """X gives a dead program's ids to the next one: its window must not be taken for the game."""
    game = launcher.window(display.name)
    window = capture.find_window(handle=game.handle)
    with capture.open_grabber(window) as grabber:
        grabber.grab()
        game.end()
        until(lambda: game.handle not in {w.handle for w in capture.list_windows()})
        others: list[int] = []
        while game.handle not in others and len(others) < MANY:
            others.append(launcher.window(display.name).handle)
        assert game.handle in others, "this X server does not use ids again"
        with pytest.raises(capture.WindowVanished):
            grabber.grab()
    with pytest.raises(capture.WindowVanished):
        capture.open_grabber(window)


def test_server_that_ends(launcher: Launcher) -> None:
    """When the X server dies, grabbing and closing must end in our error, not in Xlib's."""
    from nitropilot.agent.target.display import PrivateDisplay

    server = PrivateDisplay.start((640, 480))
    try:
        game = launcher.window(server.name)
        grabber = capture.open_grabber(capture.find_window(handle=game.handle, display=server.name))
        probe = capture.open_response_probe(grabber.window)
        grabber.grab()
    finally:
        server.close()
    with pytest.raises(capture.NoDisplay, match=server.name):
        grabber.grab()
    with pytest.raises(capture.NoDisplay, match=server.name):
        probe.poll()
    for closing in (grabber, probe, grabber, probe):
        closing.close()


def test_nothing_leaks(display: PrivateDisplay) -> None:
    """A session opened and closed many times must not run out of files or X connections."""
    counter = Display(display.name)
    with XWindow(display.name) as mine:
        window = capture.find_window(handle=mine.handle)

        def usage() -> tuple[int, int, int]:
            clients = len(counter.res_query_clients().clients)
            mappings = Path("/proc/self/maps").read_text().count("mss-shm-buf")
            return len(list(Path("/proc/self/fd").iterdir())), clients, mappings

        def one_round() -> None:
            with capture.open_grabber(window) as grabber:
                grabber.grab()
            with capture.open_response_probe(window) as probe:
                probe.poll()
            with contextlib.suppress(capture.WindowNotFound):
                capture.find_window(handle=1)

        one_round()
        before = usage()
        for _ in range(50):
            one_round()
        # The server notices closed connections a moment later.
        until(lambda: all(now <= then for now, then in zip(usage(), before, strict=True)))
    counter.close()
