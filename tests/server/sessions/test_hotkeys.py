"""The daemon's hotkeys, pressed on a real X server while a real game is played."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.controller.human.reader import human_report
from nitropilot.server.sessions.local_inputs import LocalInputs
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.controller.human.test_hotkeys import Keyboard
from tests.server.conftest import needs_preload
from tests.server.processes import POLICY, Daemon, command, running_game, until
from tests.server.sessions.test_sessions import delete

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.processes import RunningGame

TOGGLE = ("Control_L", "Shift_L", "F7")
PANIC = ("Control_L", "Shift_L", "F8")


@pytest.fixture(scope="module")
def desk_display() -> Iterator[PrivateDisplay]:
    """An X server of these tests' own: only one daemon can have the keys of one."""
    needs_preload()
    display = PrivateDisplay.start((800, 600))
    yield display
    display.close()


@pytest.fixture(scope="module")
def pressed(
    desk_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """A daemon with the default hotkeys."""
    daemon = Daemon(
        tmp_path_factory.mktemp("daemon"), desk_display.name, "--policy", POLICY,
        "--engine", "torch", warm_start=True,
    )  # fmt: skip
    yield daemon
    daemon.client.close()
    daemon.kill()


@pytest.fixture
def game_there(desk_display: PrivateDisplay) -> Iterator[RunningGame]:
    """Runner on that X server."""
    with running_game(desk_display.name) as game:
        yield game


@pytest.fixture
def keyboard(desk_display: PrivateDisplay, game_there: RunningGame) -> Iterator[Keyboard]:
    """Its keyboard; the keyboard's own window has the focus, as a game would."""
    keyboard = Keyboard(desk_display.name)
    yield keyboard
    keyboard.window.close()


def test_toggle_and_panic(pressed: Daemon, game_there: RunningGame, keyboard: Keyboard) -> None:
    """The keys of somebody whose game has the whole screen, and who wants the pad back now."""
    session_id = pressed.playing(pid=game_there.pid)["id"]

    def state() -> str:
        found: str = pressed.session(session_id)["state"]
        return found

    keyboard.seen()
    keyboard.press(*TOGGLE)
    until(lambda: state() == "paused", "the pause")
    until(game_there.pad_is_neutral, "a neutral pad")
    assert game_there.runs()
    keyboard.press(*TOGGLE)
    until(lambda: state() == "playing", "the play")
    keyboard.press(*PANIC)
    until(lambda: state() == "paused", "the panic")
    until(game_there.pad_is_neutral, "a neutral pad")
    assert game_there.runs()
    keyboard.press(*PANIC)
    assert not {keyboard.code("F7"), keyboard.code("F8")} & keyboard.seen()
    assert state() == "paused"
    delete(pressed, session_id)


def test_a_second_daemon_goes_without(
    pressed: Daemon, desk_display: PrivateDisplay, tmp_path: Path
) -> None:
    """Keys that another program has are said, and nothing else fails."""
    second = Daemon(
        tmp_path, desk_display.name, "--policy", POLICY, "--engine", "torch", warm_start=True
    )
    try:
        assert "hotkey ctrl+shift+f7: another program has it" in second.output()
        assert "hotkey ctrl+shift+f8: another program has it" in second.output()
        assert second.client.get("/api/v1/status").status_code == 200
    finally:
        second.client.close()
        second.kill()


def test_keys_can_be_chosen_or_switched_off(desk_display: PrivateDisplay, tmp_path: Path) -> None:
    """A key that a game needs must be free again."""
    options = ("--hotkey-toggle", "", "--hotkey-panic", "super+p", "--policy", POLICY)
    daemon = Daemon(tmp_path, desk_display.name, *options, "--engine", "torch", warm_start=True)
    keyboard = Keyboard(desk_display.name)
    try:
        assert "hotkey" not in daemon.output()
        keyboard.press("Super_L", "p")
        keyboard.press("q")
        seen: set[int] = set()
        while keyboard.code("q") not in seen:
            seen |= keyboard.seen()
        assert keyboard.code("p") not in seen
    finally:
        keyboard.window.close()
        daemon.client.close()
        daemon.kill()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--hotkey-toggle", "ctrl+f99"), "'f99' in the hotkey 'ctrl+f99' is no key"),
        (("--hotkey-panic", "hyper+f1"), "'hyper' in the hotkey 'hyper+f1' is no modifier"),
        (("--hotkey-panic", "x"), "would take that key from every program"),
        (("--hotkey-panic", "shift+ctrl+F7"), "ctrl+shift+f7 is to toggle and to panic"),
    ],
)
def test_wrong_keys_end_the_start(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """In one line, before a policy is loaded or a port is taken."""
    done = command("serve", "--port", "0", *options, home=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_daemon_without_a_display_has_no_hotkeys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server in a container must start all the same."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with LocalInputs(SessionRegistry(EnginePool())):
        pass


def test_on_wayland_it_is_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Keys that do nothing, without a word, look like a broken program."""
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    with caplog.at_level("WARNING"), LocalInputs(SessionRegistry(EnginePool())):
        pass
    (said,) = [text for text in caplog.messages if "hotkeys" in text]
    assert said.startswith("no hotkeys: Wayland")
    assert "docs/control.md" in said


def test_doctor_says_how_people_take_over(desk_display: PrivateDisplay, tmp_path: Path) -> None:
    """Where pads cannot be read, or keys not be had, their owners have to be told."""
    for display, keys in ((desk_display.name, "ok"), (None, "note")):
        done = command("doctor", "--json", home=tmp_path, display=display)
        checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
        assert checks["hotkeys"]["level"] == keys
        pads = checks["human takeover"]
        report = human_report()
        assert (pads["level"], pads["detail"]) == (
            "ok" if report.available else "note",
            report.reason,
        )
        assert pads["level"] == "ok" or pads["hint"]
