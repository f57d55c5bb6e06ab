"""Starting games: what is refused, what is made for them, and that nothing of it is left."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nitropilot import controller
from nitropilot.agent import AgentError, LaunchFailed, Recipe, Target, open_game
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.launch import launch
from nitropilot.agent.target.opening import press_opening
from nitropilot.agent.target.recipe import PROFILE
from nitropilot.agent.target.taking import take_hold
from nitropilot.controller import Button, GamepadState, PadUnavailable, ShimError
from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.playing import Stage, gone, neutral, pad_values, polls, until
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Xvfb and the preloaded pad are for Linux"
)
game_test = pytest.mark.game


def program(code: str, **options: Any) -> Recipe:
    """A "game" that is a line of Python."""
    return Recipe("line", sys.executable, ("-c", code), **options)


@pytest.fixture
def leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders of the test's own for everything that a launch makes; all empty afterwards."""
    made = tmp_path / "made"
    for name in ("profiles", "pages"):
        (made / name).mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(made / "profiles"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(made / "pages"))
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield made
    left = [path for folder in ("profiles", "pages") for path in (made / folder).iterdir()]
    assert not left, "a launch that failed or was closed left files"
    children = psutil.Process().children(recursive=True)
    assert {child.pid for child in children} <= before, "a launch left processes"


def test_a_recipe_is_plain_data(tmp_path: Path) -> None:
    """A recipe that computes cannot be compared, written down, or handed to another process."""
    recipe = Recipe("game", "/bin/game", ("--home", f"{PROFILE}/saves", "-w"))
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert len({recipe, replace(recipe)}) == 1
    assert recipe.command(tmp_path) == ["/bin/game", "--home", f"{tmp_path}/saves", "-w"]


@pytest.mark.parametrize("named", [{}, {"pid": 1, "launch": Recipe("game", "game")}])
def test_one_game_must_be_named(named: dict[str, Any]) -> None:
    """None or two of them: the message must say which it was."""
    with pytest.raises(AgentError, match="named") as failure:
        Target(**named)
    assert "--launch" in failure.value.hint


@linux
@game_test
def test_a_program_that_ends_at_once(leftovers: Path, display: PrivateDisplay) -> None:
    """A missing level file is said in the game's output only: its last line must be shown."""
    log = leftovers / "game.log"
    recipe = program("import sys; print('one\\n  level 9 is missing  \\n\\n'); sys.exit(3)")
    with pytest.raises(LaunchFailed, match=r"exit status 3\): level 9 is missing$") as failure:
        launch(recipe, log=log, display=display.name)
    assert str(log) in failure.value.hint


@linux
@game_test
@pytest.mark.parametrize("headless", [True, False])
def test_a_program_without_a_window(
    leftovers: Path, display: PrivateDisplay, headless: bool
) -> None:
    """Waiting for ever for the window of a server program would look like a hang."""
    recipe = program("import time; print('listening', flush=True); time.sleep(600)")
    with pytest.raises(LaunchFailed, match="no window within 1 s: listening"):
        launch(recipe, log=leftovers / "game.log", headless=headless, timeout=1.0)


@linux
@game_test
def test_a_launcher_whose_helper_stays(leftovers: Path, display: PrivateDisplay) -> None:
    """A script that starts the game and ends must not leave the game behind when it fails."""
    pid_file = leftovers / "pid"
    code = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"    open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(600)\n"
        f"while not os.path.exists({str(pid_file)!r}): time.sleep(0.01)\n"
    )
    with pytest.raises(LaunchFailed, match="no window within 2 s: it wrote nothing"):
        launch(program(code), log=leftovers / "game.log", display=display.name, timeout=2.0)
    helper = int(pid_file.read_text())
    until(lambda: gone(helper) or psutil.Process(helper).status() == "zombie", "it was ended")


@linux
def test_a_program_that_cannot_be_started(
    leftovers: Path, display: PrivateDisplay, tmp_path: Path
) -> None:
    """A script without its first line, or without the right to run it."""
    script = tmp_path / "game"
    script.write_text("echo")
    script.chmod(0o700)
    recipe = Recipe("script", str(script))
    with pytest.raises(LaunchFailed, match=r"cannot start .*/game: Exec format error"):
        launch(recipe, log=leftovers / "game.log", display=display.name)


@linux
def test_a_log_that_cannot_be_written(leftovers: Path, display: PrivateDisplay) -> None:
    """The message must blame the folder, not the game."""
    with pytest.raises(LaunchFailed, match=r"cannot write the game's output to .*nowhere"):
        launch(find_recipe("runner"), log=leftovers / "nowhere" / "game.log", display=display.name)


@linux
def test_no_display(leftovers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--no-headless over ssh: say what is missing instead of an X11 traceback."""
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(LaunchFailed, match="there is no display") as failure:
        launch(find_recipe("runner"), log=leftovers / "game.log", headless=False)
    assert "DISPLAY" in failure.value.hint


@linux
def test_no_xvfb(leftovers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a screen and without Xvfb there is nowhere to play: say what to install."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LaunchFailed, match="Xvfb is not installed") as failure:
        launch(find_recipe("runner"), log=leftovers / "game.log")
    assert "apt-get install xvfb" in failure.value.hint


@linux
def test_an_xvfb_that_does_not_come_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken X server must be told from a slow one, and not be waited for."""
    fake = tmp_path / "Xvfb"
    fake.write_text("#!/bin/sh\nexit 7\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    before = psutil.Process().children()
    with pytest.raises(LaunchFailed, match=r"Xvfb ended \(exit status 7\)"):
        PrivateDisplay.start()
    assert psutil.Process().children() == before


@linux
@pytest.mark.parametrize("headless", [True, False])
def test_no_compiler(
    leftovers: Path,
    display: PrivateDisplay,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    headless: bool,
) -> None:
    """The pad library is built on this machine: without a compiler nothing may be started."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ShimError, match="no C compiler found"):
        launch(find_recipe("runner"), log=leftovers / "game.log", headless=headless)


@linux
@game_test
def test_a_private_display_lives_as_long_as_its_game(leftovers: Path) -> None:
    """A thousand episodes on private displays must not leave a thousand X servers."""
    game = launch(find_recipe("runner"), log=leftovers / "game.log", headless=True)
    assert game.display is not None
    assert game.window.display == game.display.name
    assert not gone(game.display.process.pid)
    game.close()
    assert gone(game.process.pid)
    assert gone(game.display.process.pid)
    game.close()  # again: harmless


@linux
@game_test
def test_a_stopped_game_that_ignores_sigterm_is_ended(
    leftovers: Path, display: PrivateDisplay
) -> None:
    """A frozen game cannot follow a polite request; left alone it would stay for ever."""
    import signal

    game = launch(find_recipe("runner"), log=leftovers / "game.log", display=display.name)
    os.kill(game.process.pid, signal.SIGSTOP)
    game.close()
    assert gone(game.process.pid)


@linux
@game_test
def test_the_players_home_is_untouched(
    leftovers: Path, display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A demo that overwrites somebody's saved game is worse than none."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path.home() / "cache"))
    code = (
        "import os, pathlib\n"
        "data = os.environ.get('XDG_DATA_HOME') or os.environ['HOME'] + '/.local/share'\n"
        "pathlib.Path(data).mkdir(parents=True); pathlib.Path(data, 'save').touch()\n"
        "print(pathlib.Path(data, 'save'), os.getcwd(), os.environ['XAUTHORITY'])\n"
    )
    log = leftovers / "game.log"
    before = sorted(path for path in home.rglob("*") if "cache" not in path.parts)
    with pytest.raises(LaunchFailed):
        launch(program(code), log=log, display=display.name)
    saved, folder, authority = log.read_text().split()
    profiles = leftovers / "profiles"
    assert profiles in Path(saved).parents
    assert profiles in Path(folder).parents
    assert authority == os.environ.get("XAUTHORITY", str(home / ".Xauthority"))
    assert sorted(path for path in home.rglob("*") if "cache" not in path.parts) == before


@linux
@game_test
def test_a_kept_game_can_be_joined_again(stage: Stage, tmp_path: Path) -> None:
    """Leave it running now and play on tomorrow: its pad is found by its process id."""
    target = Target(launch=find_recipe("runner"), headless=True, keep=True)
    session = stage.playing(target)
    game = session.game
    assert game is not None
    launched = game.launched
    assert launched is not None
    assert launched.page is not None
    page = launched.page.path
    try:
        session.stop()
        assert session.wait(60)
        assert neutral(page)
        count = polls(page)
        until(lambda: polls(page) > count + 3, "the game goes on after its session")
        again = stage.playing(Target(pid=launched.process.pid, display=game.window.display))
        assert again.game is not None
        assert again.game.launched is None
        assert again.game.page is not None
        assert again.game.page.path == page
        assert again.game.pad_reason == "the game was launched with the preloaded pad"
        again.stop()
        assert again.wait(60)
        assert launched.process.poll() is None
        assert neutral(page)
    finally:
        launched.close()
    assert gone(launched.process.pid)


@linux
@game_test
@pytest.mark.parametrize("keep", [None, False, True])
@pytest.mark.parametrize("headless", [False, True])
def test_which_games_are_kept(
    leftovers: Path, display: PrivateDisplay, keep: bool | None, headless: bool
) -> None:
    """A game that nobody sees must end with us, one on the player's screen must not."""
    game = open_game(
        Target(launch=find_recipe("runner"), headless=headless, keep=keep),
        log=leftovers / "game.log",
    )
    launched = game.launched
    assert launched is not None
    try:
        game.close()
        kept = keep if keep is not None else not headless
        assert (launched.process.poll() is None) == kept
    finally:
        launched.close()


@linux
@game_test
def test_a_press_waits_for_a_game_that_is_loading(leftovers: Path, display: PrivateDisplay) -> None:
    """A game that reads no pad while it loads never learns of a press that came and went."""
    recipe = replace(find_recipe("runner"), opening=((0.1, "b"),))
    launched = launch(recipe, log=leftovers / "game.log", display=display.name)
    try:
        game = take_hold(launched.window, launched, "auto", freeze_limit=60.0)
        assert game.page is not None
        page = game.page.path
        until(lambda: polls(page) > 0, "the game reads its pad")
        epoch = game.controls.arm()
        game.controls.freeze(epoch)
        opening = threading.Thread(target=press_opening, args=(game, epoch))
        opening.start()
        opening.join(0.5)
        assert opening.is_alive()
        assert neutral(page)
        game.controls.thaw()
        until(lambda: not neutral(page), "the press")
        count = polls(page)
        opening.join()
        assert polls(page) > count
        assert neutral(page)
        game.close()
    finally:
        launched.close()


@linux
@game_test
def test_taking_hold_fails_half_way(
    leftovers: Path, display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The display and the page are there before the hand is: they, and the game, must go again."""
    fds = psutil.Process().num_fds()
    for call in (
        "nitropilot.agent.target.taking.controller.Hand.start",
        "nitropilot.agent.target.windows.capture.open_response_probe",
    ):
        with monkeypatch.context() as patch:

            def fail(*_: Any, **__: Any) -> None:
                raise controller.HandError("cut on purpose")

            patch.setattr(call, fail)
            with pytest.raises(controller.HandError, match="on purpose"):
                open_game(
                    Target(launch=find_recipe("runner"), keep=True), log=leftovers / "game.log"
                )
    assert psutil.Process().num_fds() == fds


@linux
@game_test
def test_a_running_game_without_our_pad(display: PrivateDisplay, tmp_path: Path) -> None:
    """Somebody else's game has no page: only a driver reaches it, and auto must say so."""
    environment = {"DISPLAY": display.name, "PYTHONPATH": str(ROOT)}
    import subprocess

    with subprocess.Popen(
        [sys.executable, "-m", "nitropilot.simulator.arcade.runner"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            from nitropilot import capture

            def window() -> capture.Window | None:
                try:
                    return capture.find_window(pid=process.pid, display=display.name)
                except capture.WindowNotFound:
                    return None

            found = until(window, "its window")
            with pytest.raises(PadUnavailable, match="sdl gamepad reaches only"):
                take_hold(found, None, "sdl", freeze_limit=30.0)
            assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
        finally:
            process.kill()


@linux
@game_test
def test_a_window_of_an_unknown_process(display: PrivateDisplay) -> None:
    """What cannot be paused must be refused before a pad is plugged in."""
    from nitropilot import capture
    from tests.capture.xwindow import XWindow

    with XWindow(display.name) as mine:
        window = capture.find_window(handle=mine.handle, display=display.name)
        with pytest.raises(AgentError, match=r"process of window .* is unknown") as failure:
            take_hold(replace(window, pid=None), None, "auto", freeze_limit=30.0)
        assert "--pid" in failure.value.hint


@linux
def test_nothing_is_pressed_by_opening(leftovers: Path, display: PrivateDisplay) -> None:
    """Taking hold of a game must not disturb it: the first press comes with the session."""
    game = open_game(Target(launch=find_recipe("runner"), keep=False), log=leftovers / "game.log")
    try:
        assert game.page is not None
        assert neutral(game.page.path)
        assert game.controls.send(GamepadState(buttons=Button.A), 0) is False
        assert game.controls.freeze(0) is False
        assert neutral(game.page.path)
        with PadPageCopy(game.page.path) as page:
            page.write(GamepadState(buttons=Button.A))
            assert pad_values(game.page.path)[3] == (1, 0)
    finally:
        game.close()


class PadPageCopy:
    """A second mapping of a page, closed at the end."""

    def __init__(self, path: Path) -> None:
        self.page = PadPage.open(path)

    def __enter__(self) -> PadPage:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.page.close()
