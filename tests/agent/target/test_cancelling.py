"""Whoever stops a session that still attaches waits for nothing, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("Xvfb and the preloaded pad are for Linux", allow_module_level=True)

from nitropilot.agent import NotPossibleNow, Recipe, Target
from nitropilot.agent.cancelling import Cancellation
from nitropilot.agent.session.states import SessionState
from nitropilot.agent.target import display as private_display
from nitropilot.agent.target import display_access, launch, taking
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.taking import take_hold
from nitropilot.capture import bounded
from nitropilot.controller.hand import link
from nitropilot.controller.pads import shim_build
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.playing import PATIENCE_S, attach, gone, paused_only, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent import Session
    from nitropilot.agent.target.launch import LaunchedGame
    from tests.agent.playing import Stage

pytestmark = pytest.mark.game

FOR_EVER_S = 1e6
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "w") as file:
    print(os.getpid(), os.environ["DISPLAY"], file=file)
time.sleep(600)
"""
"""A program without a window that does not end when it is asked to."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ends because it takes long."""
    endless = partial(launch.launch, timeout=FOR_EVER_S)
    monkeypatch.setattr(taking, "launch", endless)
    monkeypatch.setattr(launch, "PATIENCE_S", FOR_EVER_S)
    for part in (private_display, link):
        monkeypatch.setattr(part, "START_TIMEOUT_S", FOR_EVER_S)
    monkeypatch.setattr(display_access, "ANSWER_TIMEOUT_S", FOR_EVER_S)
    monkeypatch.setattr(shim_build, "BUILD_TIMEOUT_S", FOR_EVER_S)
    monkeypatch.setattr(bounded.call_once, "__defaults__", (FOR_EVER_S,))


def stop(session: Session) -> None:
    """As DELETE and the signals do."""
    session.stop()


def panic(session: Session) -> None:
    """As the hotkey does."""
    session.control.panic()


def ended(session: Session) -> None:
    """It has stopped as it was asked to; the bar is a second."""
    began = time.monotonic()
    assert session.wait(PATIENCE_S)
    print(f"ended after {time.monotonic() - began:.2f} s")
    assert session.end is not None
    assert session.state is SessionState.STOPPED, session.end


@paused_only
@pytest.mark.parametrize("act", [stop, panic])
@pytest.mark.parametrize("headless", [False, True])
@pytest.mark.usefixtures("display")
def test_a_program_that_shows_no_window(
    stage: Stage, tmp_path: Path, act: Callable[[Session], None], headless: bool
) -> None:
    """A wrong program, or a game that is still installing something: a minute of waiting."""
    told = tmp_path / "told"
    recipe = Recipe("line", sys.executable, ("-c", STUBBORN, str(told)))
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    session = stage.session(Target(launch=recipe, headless=headless))
    session.start()
    pid, _ = until(lambda: told.exists() and told.read_text().split(), "the program runs")
    act(session)
    ended(session)
    assert gone(int(pid))
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


@paused_only
def test_a_display_that_does_not_come_up(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An X server that hangs at its start, as one does whose fonts lie on a lost network."""
    told = tmp_path / "told"
    fake = tmp_path / "Xvfb"
    fake.write_text(f"#!/bin/sh\necho $$ > {told}\nexec /bin/sleep 600\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    session = stage.session(Target(launch=find_recipe("runner"), headless=True))
    session.start()
    pid = until(lambda: told.exists() and told.read_text().strip(), "the X server runs")
    session.stop()
    ended(session)
    assert gone(int(pid))


@paused_only
def test_a_display_that_answers_nobody(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An X server that listens, and is then held up, before it is closed to others."""
    told = tmp_path / "told"
    number = 10**6 + os.getpid()
    fake = tmp_path / "Xvfb"
    fake.write_text(
        f"#!/bin/sh\necho $$ >{told}\necho {number} >/proc/self/fd/$4\nexec /bin/sleep 600\n"
    )
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    session = stage.session(Target(launch=find_recipe("runner"), headless=True))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0/tmp/.X11-unix/X{number}")
        server.listen()
        server.settimeout(PATIENCE_S)
        session.start()
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1)
            session.stop()
            ended(session)
    assert gone(int(until(told.read_text, "the X server runs")))


@paused_only
def test_a_display_that_is_stopped(stage: Stage, tmp_path: Path) -> None:
    """The game's windows are asked for, and nobody ever answers."""
    told = tmp_path / "told"
    recipe = Recipe("line", sys.executable, ("-c", STUBBORN, str(told)))
    display = PrivateDisplay.start((320, 240))
    try:
        display.process.send_signal(signal.SIGSTOP)
        session = stage.session(Target(launch=recipe, display=display.name))
        session.start()
        pid, _ = until(lambda: told.exists() and told.read_text().split(), "the program runs")
        session.stop()
        ended(session)
        assert gone(int(pid))
    finally:
        display.process.send_signal(signal.SIGCONT)
        display.close()


@paused_only
@pytest.mark.usefixtures("display")
def test_a_compiler_that_takes_long(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first launch on a machine compiles the pad library, in more than one process."""
    told, cache = tmp_path / "told", tmp_path / "cache"
    compiler = tmp_path / "slow-cc"
    compiler.write_text(f"#!/bin/sh\n/bin/sleep 600 &\necho $$ $! >{told}\nwait\n")
    compiler.chmod(0o700)
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv(shim_build.READY_VARIABLE, raising=False)
    session = stage.session(Target(launch=find_recipe("runner"), keep=False))
    session.start()
    pids = until(lambda: told.exists() and told.read_text().split(), "the compiler runs")
    session.stop()
    ended(session)
    assert gone(int(pids[0]))
    until(lambda: all(map(ended_or_unwaited, map(int, pids))), "what it has started ends too")
    assert not [path for path in cache.rglob("*") if path.is_file()]


def ended_or_unwaited(pid: int) -> bool:
    """Whether a process has ended; whose parent has, too, may never be waited for."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@paused_only
def test_a_hand_that_does_not_come_up(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pad's driver may hang, or a machine that swaps."""
    monkeypatch.setattr(link, "module_command", lambda _: ["/bin/sleep", "600"])
    us = psutil.Process()
    before = set(us.children())
    session = stage.session(attach(runner))
    session.start()
    until(lambda: set(us.children()) - before, "the hand starts")
    session.stop()
    ended(session)
    assert not set(us.children()) - before


def test_what_comes_too_late_is_undone() -> None:
    """A window that was opened for nobody is closed again."""
    cancelled, may_go, undone = Cancellation(), threading.Event(), list[str]()
    threading.Timer(0.05, cancelled.set).start()
    with pytest.raises(NotPossibleNow, match="stopped while attaching"):
        cancelled.until(lambda: "late" if may_go.wait(PATIENCE_S) else "never", undone.append)
    assert undone == []
    may_go.set()
    until(lambda: undone == ["late"], "it was undone")


@paused_only
@pytest.mark.usefixtures("display")
def test_an_opening_that_takes_long(stage: Stage) -> None:
    """Between two buttons that lead into play there may be minutes of an introduction."""
    recipe = replace(find_recipe("runner"), opening=((FOR_EVER_S, "a"),))
    session = stage.session(Target(launch=recipe, keep=False))
    session.start()
    until(lambda: session.loop is not None, "the game was taken hold of")
    session.stop()
    ended(session)
    assert session.machine.cancelled.is_set(), "whoever still takes hold of something gives up"


def test_a_game_that_is_not_wanted_any_more(runner: LaunchedGame) -> None:
    """What was launched is ours until somebody wants it no more, its hand included."""
    cancelled = Cancellation()
    cancelled.set()
    fds = psutil.Process().num_fds()
    children = psutil.Process().children()
    with pytest.raises(NotPossibleNow, match="stopped while attaching"):
        take_hold(runner.window, None, "auto", 30.0, cancelled)
    assert psutil.Process().num_fds() == fds
    assert psutil.Process().children() == children
