"""The preloaded pad as an SDL program sees it: pygame, whose SDL is its own private copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.controller.errors import PadFailed
from nitropilot.controller.pads.pad_page import SDL_BUTTONS, PadPage, find_page
from nitropilot.controller.pads.sdl_pad import SdlPad, launch_environment
from nitropilot.controller.pads.shim_build import find_compiler
from nitropilot.controller.state import NEUTRAL, Button, GamepadState

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux"),
    pytest.mark.skipif(
        find_compiler() is None, reason="no C compiler to build the preload library"
    ),
]

AT_REST = [0, 0, -32768, 0, 0, -32768]
"""Raw axes as Linux numbers them: left stick, left trigger, right stick, right trigger."""
TRIGGER_STEP = 32768 / 255
"""A real pad's triggers have 256 positions."""
PROGRAM = Path(__file__).with_name("sdl_child.py")


class Child:
    """The SDL program, answering one request at a time."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env={**os.environ, "SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, words: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the program ended: {self.end()[1]}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> tuple[int, str]:
        """Its exit status and what it wrote to stderr."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def page() -> Iterator[PadPage]:
    page = PadPage.create()
    yield page
    page.close()
    page.unlink()


@pytest.fixture
def child(page: PadPage) -> Iterator[Child]:
    child = Child(launch_environment(page))
    yield child
    child.close()


def test_a_game_sees_one_xbox_pad_at_rest(child: Child, page: PadPage) -> None:
    """Triggers that start at 0 are half pulled: shooters fire before we send anything."""
    seen = child.ask("read")
    assert (seen["count"], seen["name"], seen["is_controller"]) == (1, "Xbox 360 Controller", True)
    assert "5e0400008e02" in seen["guid"], "games look the Xbox pad up by vendor and product"
    assert seen["raw_axes"] == AT_REST
    assert not any(seen["buttons"])
    status = page.status()
    assert (status.attached, status.pid, status.error) == (1, child.process.pid, "")
    assert status.polls > 0


def test_every_button_arrives_as_itself(child: Child, page: PadPage) -> None:
    """Two swapped buttons are a policy that jumps when it should shoot."""
    assert set(SDL_BUTTONS) == set(Button)
    for place, button in enumerate(SDL_BUTTONS):
        page.write(GamepadState(buttons=button))
        pressed = [i for i, down in enumerate(child.ask("read")["buttons"]) if down]
        assert pressed == [place], button
    page.write(GamepadState(buttons=Button.A | Button.GUIDE | Button.DPAD_RIGHT))
    assert [i for i, down in enumerate(child.ask("read")["buttons"]) if down] == [0, 5, 14]


@pytest.mark.parametrize(
    ("button", "raw", "hat"),
    [
        (Button.A, [0], (0, 0)), (Button.B, [1], (0, 0)), (Button.X, [2], (0, 0)),
        (Button.Y, [3], (0, 0)), (Button.LEFT_SHOULDER, [4], (0, 0)),
        (Button.RIGHT_SHOULDER, [5], (0, 0)), (Button.BACK, [6], (0, 0)),
        (Button.START, [7], (0, 0)), (Button.GUIDE, [8], (0, 0)),
        (Button.LEFT_THUMB, [9], (0, 0)), (Button.RIGHT_THUMB, [10], (0, 0)),
        (Button.DPAD_UP, [], (0, 1)), (Button.DPAD_DOWN, [], (0, -1)),
        (Button.DPAD_LEFT, [], (-1, 0)), (Button.DPAD_RIGHT, [], (1, 0)),
    ],
)  # fmt: skip
def test_games_that_count_buttons_see_a_real_pads_numbers(
    child: Child, page: PadPage, button: Button, raw: list[int], hat: tuple[int, int]
) -> None:
    """SuperTux reads raw numbers: with others, a stick click is its START (the menu)."""
    page.write(GamepadState(buttons=button))
    seen = child.ask("read")
    assert (seen["raw_buttons"], seen["raw_hats"]) == (raw, [list(hat)])


@pytest.mark.parametrize(
    ("state", "axes"),
    [
        (GamepadState(left=(1.0, 0.0)), [32767, 0, 0, 0, 0, 0]),
        (GamepadState(left=(-0.5, 1.0)), [-16384, -32767, 0, 0, 0, 0]),
        (GamepadState(left=(0.0, -1.0)), [0, 32767, 0, 0, 0, 0]),
        (GamepadState(right=(-1.0, 1.0)), [0, 0, -32767, -32767, 0, 0]),
        (GamepadState(right=(0.25, -0.5)), [0, 0, 8192, 16384, 0, 0]),
        (GamepadState(left_trigger=1.0), [0, 0, 0, 0, 32767, 0]),
        (GamepadState(right_trigger=0.5), [0, 0, 0, 0, 0, 16383]),
    ],
)
def test_sticks_and_triggers_arrive_with_their_sign(
    child: Child, page: PadPage, state: GamepadState, axes: list[int]
) -> None:
    """SDL's y grows downward and ours upward: a wrong sign looks at the floor for ever."""
    child.ask("read")  # SDL takes a trigger for released that is pulled when it is first seen
    page.write(state)
    seen = child.ask("read")["axes"]
    assert seen[:4] == pytest.approx(axes[:4], abs=1)
    assert seen[4:] == pytest.approx(axes[4:], abs=TRIGGER_STEP)


def test_the_pad_comes_back_when_a_game_restarts_its_joysticks(child: Child, page: PadPage) -> None:
    """Games do this after their options menu; SDL then forgets its virtual pads."""
    page.write(GamepadState(left=(1.0, 0.0)))
    for times in (2, 3):
        seen = child.ask("again")
        assert (seen["count"], seen["axes"][0]) == (1, 32767)
        assert page.status().attached == times


def test_a_game_never_reads_half_a_state(child: Child, page: PadPage) -> None:
    """A state mixed from two writes is an action that nobody chose."""
    child.ask("read")
    done = threading.Event()

    def hammer() -> None:
        value = 0
        while not done.is_set():
            value = (value + 1) % 1000
            stick = (value / 1000, 0.0)
            page.write(GamepadState(left=stick, right=stick))

    writer = threading.Thread(target=hammer)
    writer.start()
    try:
        seen = child.ask("watch 5000")
    finally:
        done.set()
        writer.join()
    assert seen["torn"] == 0


def test_a_writer_killed_half_way_blocks_nobody(child: Child, page: PadPage) -> None:
    """The daemon may die between two words; the hand's neutral must still arrive."""
    page.write(GamepadState(left=(1.0, 0.0), right=(1.0, 0.0)))
    assert child.ask("read")["axes"][:3] == [32767, 0, 32767]
    content = bytearray(page.path.read_bytes())
    content[64] ^= 0xFF  # the stamp of the first cell: the other three are of another write
    content[68:72] = bytes(4)  # and so are its values
    page.path.write_bytes(content)
    assert child.ask("read")["axes"][:3] == [32767, 0, 32767]

    hand = PadPage.open(page.path)
    hand.write(NEUTRAL)
    hand.close()
    assert child.ask("read")["raw_axes"] == AT_REST


def test_the_game_lets_go_of_a_state_that_nobody_renews(child: Child, page: PadPage) -> None:
    """Whoever pressed it stands still: nobody else could take it back."""
    child.ask("read")
    page.write(GamepadState(left=(1.0, 0.0), left_trigger=1.0, buttons=Button.A), lasts=0.05)
    time.sleep(0.06)
    seen = child.ask("read")
    assert (seen["raw_axes"], seen["raw_buttons"]) == (AT_REST, [])
    page.renew(600.0)
    assert child.ask("read")["raw_buttons"] == [0], "one that was only busy goes on"
    page.renew(-1.0)
    content = bytearray(page.path.read_bytes())
    content[64] ^= 0xFF  # half a state that has expired is no reason to keep the one before
    page.path.write_bytes(content)
    assert child.ask("read")["raw_buttons"] == []


def test_the_true_clock_counts(page: PadPage, tmp_path: Path) -> None:
    """A game whose clock is held still must let go all the same."""
    source, library = tmp_path / "still.c", tmp_path / "still.so"
    source.write_text(
        "#include <time.h>\n"
        "int clock_gettime(clockid_t id, struct timespec *at)\n"
        "{ (void)id; at->tv_sec = 1; at->tv_nsec = 0; return 0; }\n"
    )
    compiler = find_compiler()
    assert compiler is not None
    subprocess.run([*compiler.split(), "-shared", "-fPIC", "-o", library, source], check=True)
    environment = launch_environment(page)
    environment["LD_PRELOAD"] += f":{library}"
    child = Child(environment)
    try:
        page.write(GamepadState(buttons=Button.A), lasts=600.0)
        assert child.ask("read")["raw_buttons"] == [0]
        page.renew(-1.0)
        assert child.ask("read")["raw_buttons"] == []
    finally:
        child.close()


def test_the_last_state_stays_when_the_writer_is_gone(child: Child, page: PadPage) -> None:
    """A game must not crash when the daemon dies or the page's file is removed."""
    child.ask("read")
    page.write(GamepadState(buttons=Button.A))
    page.close()
    page.unlink()
    for _ in range(3):
        assert child.ask("read")["buttons"][0] is True


def test_a_running_game_can_be_joined_again(child: Child, page: PadPage) -> None:
    """After a restart of the daemon the game still listens, and only to its own page."""
    child.ask("read")
    found = find_page(child.process.pid)
    assert found == page.path
    assert find_page(os.getpid()) is None
    again = PadPage.open(found)
    again.write(GamepadState(buttons=Button.B))
    assert child.ask("read")["buttons"][1] is True
    assert again.status() == page.status()
    again.close()
    page.unlink()
    assert find_page(child.process.pid) is None


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        (None, "NITROPILOT_PAD_PAGE is not set"),
        ("/nowhere/page", "No such file or directory"),
        (os.devnull, "not a page of this user"),
        (str(PROGRAM), "not a page of this user"),
        ("foreign", "not one that this library knows"),
        ("newer", "not one that this library knows"),
    ],
)
def test_a_game_runs_on_without_a_good_page(
    tmp_path: Path, page: PadPage, variable: str | None, reason: str
) -> None:
    """Whatever is wrong with the page, the player's game must start."""
    environment = launch_environment(page)
    content = bytearray(page.path.read_bytes())
    content[0 if variable == "foreign" else 8] ^= 0xFF
    if variable in ("foreign", "newer"):
        variable = str(tmp_path / variable)
        Path(variable).write_bytes(content)
    environment.pop("NITROPILOT_PAD_PAGE")
    if variable is not None:
        environment["NITROPILOT_PAD_PAGE"] = variable
    child = Child(environment)
    try:
        assert child.ask("read") == {"count": 0}
        assert child.ask("again") == {"count": 0}
        status, errors = child.end()
    finally:
        child.close()
    assert status == 0
    assert errors.count("nitropilot: no virtual pad:") == 1
    assert reason in errors


def test_a_program_without_sdl_does_not_notice(page: PadPage) -> None:
    """Launch scripts and helpers of a game inherit the library."""
    done = subprocess.run(
        ["/bin/sh", "-c", "echo to child; exec /bin/sh -c 'echo done; exit 7'"],
        env={**os.environ, **launch_environment(page)},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, b"to child\ndone\n", b"")
    assert page.status().attached == 0


def test_what_was_preloaded_before_stays(page: PadPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overlays and frame limiters of the player use LD_PRELOAD too."""
    monkeypatch.setenv("LD_PRELOAD", "/opt/overlay.so")
    environment = launch_environment(page)
    library, _, rest = environment["LD_PRELOAD"].partition(":")
    assert Path(library.replace("$PLATFORM", "x86_64")).is_file()
    assert rest == "/opt/overlay.so"
    assert environment["NITROPILOT_PAD_PAGE"] == str(page.path)


@pytest.mark.parametrize("owns_page", [True, False])
def test_a_closed_pad_leaves_the_game_neutral(child: Child, page: PadPage, owns_page: bool) -> None:
    """A pad that goes away with a button down leaves the game running into a wall."""
    pad = SdlPad(page, owns_page=owns_page)
    pad.send(GamepadState(left=(1.0, 1.0), right_trigger=1.0, buttons=Button.A))
    assert child.ask("read")["buttons"][0] is True
    pad.close()
    pad.close()
    seen = child.ask("read")
    assert seen["raw_axes"] == AT_REST
    assert not any(seen["buttons"])
    with pytest.raises(PadFailed, match="closed"):
        pad.send(NEUTRAL)
    if owns_page:
        with pytest.raises(PadFailed, match="closed"):
            page.status()
    else:
        assert page.status().attached == 1
