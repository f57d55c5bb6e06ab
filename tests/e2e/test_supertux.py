"""The main job on a real game that nobody here wrote: SuperTux under Xvfb.

Most tests walk on a level of our own (``tests.support.supertux``): flat, without
enemies, and perfectly still when Tux is.  The long run plays a real level.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import psutil
import pytest

from nitropilot import capture, controller
from nitropilot.agent.record.trace import read_trace
from nitropilot.agent.target.effect import measure_effect
from nitropilot.agent.target.launch import launch
from nitropilot.agent.target.opening import press_opening
from nitropilot.agent.target.taking import Game, take_hold
from nitropilot.controller import NEUTRAL, GamepadState
from nitropilot.policy import describe
from nitropilot.policy.naming import DEFAULT
from nitropilot.server.cli.play.arcade import HELD, SHOWN_HZ
from nitropilot.simulator.arcade.rules import RULES
from tests.support.supertux import flat_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nitropilot.agent.target.display import PrivateDisplay

pytestmark = [pytest.mark.long, pytest.mark.game]
HELD_S = 60.0
"""A stick is let go before that."""
PATIENCE_S = 60.0


@pytest.fixture
def tux(display: PrivateDisplay, tmp_path: Path) -> Iterator[Game]:
    """SuperTux in the flat level, in play, with the controls armed."""
    launched = launch(flat_recipe(tmp_path), log=tmp_path / "game.log", display=display.name)
    try:
        game = take_hold(launched.window, launched, pad="auto", freeze_limit=30.0)
    except BaseException:
        launched.close()
        raise
    try:
        press_opening(game, game.controls.arm())
        until(lambda: bright(game), "the level is shown")
        yield game
    finally:
        game.close()


def until(what: Callable[[], object], name: str) -> None:
    """Wait patiently for something to become true."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, f"still not so after {PATIENCE_S:.0f} s: {name}"
        time.sleep(0.05)


def bright(game: Game) -> bool:
    """Whether the level is on screen: the card before it is nearly black."""
    return float(game.grab().pixels.mean()) > 60


def still(game: Game) -> bool:
    """Whether not one pixel changes for half a second."""
    before = game.grab().pixels
    time.sleep(0.5)
    return np.array_equal(before, game.grab().pixels)


def slide(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> float:
    """How many pixels the landscape moved to the right between two pictures."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in (old, new)]
    return float(cv2.phaseCorrelate(*grey)[0][0])


def test_holding_right_moves_tux_and_releasing_stops_him(tux: Game) -> None:
    """A pad that the game opens but does not obey looks connected and does nothing."""
    until(lambda: still(tux), "Tux rests before the stick is touched")
    for _ in range(3):  # a busy machine may swallow one look
        effect = measure_effect(tux)
        if effect.changed:
            break
    print("pad effect:", effect.as_dict())
    assert effect.changed
    assert effect.before == 0.0
    until(lambda: still(tux), "Tux rests after the stick is released")


@pytest.mark.parametrize(("stick", "sign"), [(1.0, -1), (-1.0, 1)])
def test_the_level_scrolls_against_the_stick(tux: Game, stick: float, sign: int) -> None:
    """A mirrored axis would walk into the wall at the start and never out."""
    epoch = tux.controls.epoch
    tux.controls.send(GamepadState(left=(1.0, 0.0)), epoch, HELD_S)
    time.sleep(2.0)  # away from the start, where the view cannot scroll
    tux.controls.send(NEUTRAL, epoch)
    until(lambda: still(tux), "Tux rests")
    tux.controls.send(GamepadState(left=(stick, 0.0)), epoch, HELD_S)
    slides = []
    before = tux.grab().pixels
    for _ in range(60):
        time.sleep(0.05)
        after = tux.grab().pixels
        slides.append(slide(before, after))
        before = after
    clear = [way for way in slides if abs(way) > 1]
    assert clear, f"the level did not scroll: {slides}"
    assert float(np.median(np.sign(clear))) == sign


def test_frozen_means_not_one_pixel_changes(tux: Game) -> None:
    """A freeze that leaks lets the game go on while the policy thinks."""
    epoch = tux.controls.epoch
    tux.controls.send(GamepadState(left=(1.0, 0.0)), epoch, HELD_S)
    until(lambda: not still(tux), "Tux walks")
    assert tux.controls.freeze(epoch)
    time.sleep(0.2)  # what the game had already handed to the display may still appear
    before = tux.grab().pixels
    for _ in range(10):
        time.sleep(0.1)
        assert np.array_equal(before, tux.grab().pixels)
    tux.controls.thaw()
    until(lambda: not np.array_equal(before, tux.grab().pixels), "Tux walks on")


def test_the_demo_plays_twenty_seconds(x_display: PrivateDisplay, tmp_path: Path) -> None:
    """The whole loop, as `make demo` runs it: figures, trace and video must agree."""
    flat_recipe(tmp_path)  # skips where SuperTux is missing
    command = [sys.executable, "-m", "nitropilot", "demo", "--seconds", "20", "--json",
               "--game", "supertux", "--out", str(tmp_path / "out")]  # fmt: skip
    environment = {**os.environ, "DISPLAY": x_display.name}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    print(json.dumps(result, indent=1))
    assert result["picture_changed_by_pad"] is True
    assert result["frames"] == result["chunks"]
    assert result["seconds_playing"] >= 20
    facts = describe(DEFAULT)
    assert result["policy"] == DEFAULT
    assert result["actions_sent"] > 0.6 * (facts.actions or facts.horizon) * result["chunks"]
    assert "not trained on supertux" in result["unfamiliar"]
    check_trace(result, facts.horizon)
    check_video(result)
    check_arcade(result)


def check_arcade(result: dict[str, Any]) -> None:
    """A level of each game, whole, and a video that has all of them."""
    levels = result["arcade"]
    assert [level["task"] for level in levels] == [f"{game}-1" for game in RULES]
    assert {level["end"] for level in levels} <= {"won", "lost", "out of time"}
    with av.open(result["arcade_video"]) as video:
        frames = sum(1 for _ in video.decode(video=0))
    seconds = sum(level["seconds"] for level in levels)
    assert frames == pytest.approx(seconds * SHOWN_HZ + HELD * len(levels), abs=2 * len(levels))


def check_trace(result: dict[str, object], horizon: int) -> None:
    """Every chunk and every action of the figures is in the trace, and its end."""
    lines = list(read_trace(Path(str(result["trace"]))))
    assert lines[0]["type"] == "header"
    assert not psutil.pid_exists(lines[0]["game"]["pid"]), "the demo ends the game it started"
    assert lines[-1]["type"] == "end"
    assert (lines[-1]["state"], lines[-1]["actions_sent"]) == ("stopped", result["actions_sent"])
    chunks = [line for line in lines if line["type"] == "chunk"]
    assert [chunk["i"] for chunk in chunks] == list(range(len(chunks)))
    assert sum(len(chunk["sent"]) for chunk in chunks) == result["actions_sent"]
    for chunk in chunks:
        assert len(chunk["due"]) == len(chunk["sent"]) == len(chunk["states"])
        assert np.shape(chunk["actions"]) == (horizon, 25)
        assert all(sent >= due for due, sent in zip(chunk["due"], chunk["sent"], strict=True))
        menu = controller.Button.START | controller.Button.BACK | controller.Button.GUIDE
        assert not any(int(state[6]) & menu for state in chunk["states"])


def check_video(result: dict[str, object]) -> None:
    """One frame a tick, and they show a game that moves."""
    with av.open(str(result["video"])) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) >= result["actions_sent"], "of a busy machine some come too late"
    assert frames[0].shape == (600, 800)
    moved = [np.mean(cv2.absdiff(frames[0], later) > 12) for later in frames[30::30]]
    assert max(moved) > 0.002, "who was not trained on it may stand still; its snow does not"


def test_kill_9_while_frozen_lets_the_game_run_and_tux_stand(
    display: PrivateDisplay, tmp_path: Path
) -> None:
    """The daemon can die at its worst moment: the game stopped, buttons pressed."""
    recipe = flat_recipe(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    game_line = shlex.join(recipe.command(home))
    command = [sys.executable, "-m", "nitropilot", "play", "--launch", game_line, "--policy",
               "random:full", "--engine", "torch", "--mode", "paused",
               "--out", str(tmp_path / "out")]  # fmt: skip
    environment = {**os.environ, "HOME": str(home), "NITROPILOT_DATA": str(tmp_path)}
    with (tmp_path / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    game: psutil.Process | None = None
    try:
        game = wait_for_game(daemon)
        page = controller.PadPage.open(controller.find_page(game.pid) or tmp_path)
        parts = list((tmp_path / "out").glob("*/trace.jsonl.gz.part"))
        until(lambda: chunks_in(parts[0]) >= 2, "two chunks were played, so buttons are held")
        until(lambda: game and game.status() == psutil.STATUS_STOPPED, "the game is frozen")
        daemon.send_signal(signal.SIGKILL)
        killed = time.perf_counter()
        daemon.wait()
        until(lambda: game and game.status() != psutil.STATUS_STOPPED, "the game runs")
        print(f"running again {time.perf_counter() - killed:.3f} s after kill -9 (bar: 1 s)")
        polls = page.status().polls
        until(lambda: page.status().polls > polls, "the game reads its pad")
        window = capture.find_window(pid=game.pid)
        with capture.open_grabber(window) as grabber:
            until(lambda: stands(grabber), "Tux stands still")
        page.close()
    finally:
        daemon.kill()
        daemon.wait()
        if game is not None:
            game.resume()
            game.kill()
            game.wait(PATIENCE_S)


def wait_for_game(daemon: subprocess.Popen[bytes]) -> psutil.Process:
    """The game that the daemon launched, once it plays."""
    found: list[psutil.Process] = []

    def look() -> bool:
        assert daemon.poll() is None, "the daemon ended early"
        for child in psutil.Process(daemon.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # others come and go
                if child.name() == "supertux2":
                    found[:] = [child]
        return bool(found)

    until(look, "the game was launched")
    until(lambda: found[0].status() == psutil.STATUS_STOPPED, "the first freeze")
    return found[0]


def chunks_in(trace: Path) -> int:
    """How many chunks a trace in progress holds."""
    return sum(line["type"] == "chunk" for line in read_trace(trace))


def stands(grabber: capture.Grabber) -> bool:
    """Whether the picture is that of the level, and does not change for a second."""
    before = grabber.grab().pixels
    time.sleep(1.0)
    return float(before.mean()) > 60 and np.array_equal(before, grabber.grab().pixels)
