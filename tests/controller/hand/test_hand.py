"""One hand and its game, from the process that has it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.controller.errors import (
    GameTaken,
    HandError,
    PadUnavailable,
    PauseRefused,
    ProcessGone,
)
from nitropilot.controller.hand import link
from nitropilot.controller.hand.hand import FREEZE_LEASE, FREEZE_LIMIT, Hand
from nitropilot.controller.hand.leases import Step
from nitropilot.controller.hand.protocol import encode
from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from tests.controller.pausing.ticking import end, reused_pid, wait_for
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.controller.hand.conftest import HeldGame

PUSH = GamepadState(left=(1.0, 0.0), buttons=Button.A)
LONG_S = 300.0


@pytest.fixture
def hand(held: HeldGame) -> Iterator[Hand]:
    """One that holds the game, in its first epoch."""
    with_it = Hand.start(held.pid, page=held.page.path)
    with_it.arm(1)
    yield with_it
    with_it.close()


def entry(held: HeldGame) -> str:
    """What the ledger says."""
    return "".join(path.read_text() for path in held.ledger.iterdir())


def test_what_is_frozen_is_noted_before_and_until_it_runs(held: HeldGame, hand: Hand) -> None:
    """Who comes after our death knows it from there alone."""
    assert "frozen" not in entry(held)
    assert hand.freeze(1)
    assert held.game.stands()
    assert all(f"[{pid}, " in entry(held) for pid in held.game.pids())
    hand.thaw()
    assert "frozen" not in entry(held)
    held.game.await_ticks()
    hand.close()
    assert not list(held.ledger.iterdir())


def test_a_plan_is_sent_without_us(held: HeldGame, hand: Hand) -> None:
    """The interpreter may be busy with other things for as long as the plan lasts."""
    start = time.perf_counter() + 0.02
    hand.play(1, 1, 7, [Step(n, start + n * 0.01, PUSH) for n in range(8)], 0.01)
    blocked_until = time.perf_counter() + 0.15
    while time.perf_counter() < blocked_until:
        pass
    reports = [hand.reports.get(timeout=LONG_S)]
    while reports[-1] is not None and reports[-1].number < 7:
        reports.append(hand.reports.get(timeout=LONG_S))
    assert {report.serial for report in reports if report} == {7}
    print([round((report.at - report.due) * 1e3, 3) for report in reports if report], "ms late")
    wait_for(lambda: not held.pressed(), "the plan's end")


def test_only_the_current_epoch_counts(held: HeldGame, hand: Hand) -> None:
    """Messages of an older one may still be on their way."""
    hand.arm(2)
    assert not hand.hold(1, PUSH, LONG_S)
    assert not hand.freeze(1)
    hand.play(1, 1, 1, [Step(0, None, PUSH)], 0.01)
    assert hand.hold(2, NEUTRAL, 1.0)  # so what was said before has been heard
    assert not held.pressed()
    assert not held.game.stands()
    assert hand.hold(2, PUSH, 0.3)
    assert held.pressed()


def test_release_lets_go_of_both(held: HeldGame, hand: Hand) -> None:
    """Neutral pad and running game, before the call returns."""
    hand.hold(1, PUSH, LONG_S)
    hand.freeze(1)
    hand.release()
    assert not held.pressed()
    held.game.await_ticks()
    assert not hand.hold(1, PUSH, LONG_S)
    assert not hand.freeze(1)


@pytest.mark.parametrize(
    ("lease", "limit", "why"), [(0.3, 3600.0, FREEZE_LEASE), (3600.0, 0.3, FREEZE_LIMIT)]
)
def test_a_freeze_ends_by_itself(held: HeldGame, lease: float, limit: float, why: str) -> None:
    """Nobody may hold a game for ever; one that computes may hold it up to a limit."""
    hand = Hand.start(held.pid, page=held.page.path, freeze_lease=lease, freeze_limit=limit)
    try:
        hand.arm(1)
        hand.hold(1, PUSH, LONG_S)
        hand.freeze(1)
        held.game.await_ticks()
        assert not held.pressed()
        wait_for(lambda: hand.freeze_ended == why, "the reason")
        if why == FREEZE_LIMIT:
            with pytest.raises(HandError, match="frozen for too long"):
                hand.check()
        else:
            hand.check()
    finally:
        hand.close()


def test_an_engine_that_computes_keeps_the_game_frozen(held: HeldGame) -> None:
    """A big policy on a small machine takes longer than the lease."""
    hand = Hand.start(held.pid, page=held.page.path, freeze_lease=0.4)
    try:
        hand.arm(1)
        hand.freeze(1)
        with hand.computing():
            time.sleep(1.0)
            assert held.game.stands()
            assert not hand.freeze_ended
        held.game.await_ticks()
    finally:
        hand.close()


def test_one_game_has_one_hand(held: HeldGame, hand: Hand) -> None:
    """Two would fight over its pad and its pauses, whoever's they are."""
    with pytest.raises(GameTaken, match=f"process {os.getpid()}\\) already plays this game"):
        Hand.start(held.pid, page=held.page.path)
    hand.check()
    hand.close()
    Hand.start(held.pid, page=held.page.path).close()


@pytest.mark.parametrize(
    ("pid", "pad", "error"),
    [(2**22 - 1, "sdl", ProcessGone), (os.getpid(), "auto", PauseRefused)],
    ids=["gone", "our own"],
)
def test_why_a_game_cannot_be_held(
    held: HeldGame, pid: int, pad: str, error: type[Exception]
) -> None:
    """The reason is the hand's, and reaches whoever asked as it is."""
    with pytest.raises(error):
        Hand.start(pid, pad=pad, page=held.page.path)


def test_a_pad_that_cannot_be_had(held: HeldGame) -> None:
    """With the fix, as if it had been opened here."""
    with pytest.raises(PadUnavailable, match="launched") as caught:
        Hand.start(held.pid, pad="sdl")
    assert "--launch" in caught.value.hint
    assert not list(held.ledger.iterdir())


def test_a_hand_that_is_gone_says_so(held: HeldGame, hand: Hand) -> None:
    """Nothing waits for it, and nothing is frozen without it."""
    os.kill(hand.pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(hand.pid), "its end")
    for act in (hand.check, hand.release, lambda: hand.freeze(1)):
        with pytest.raises(HandError):
            act()
    hand.close()
    hand.close()


def test_a_hand_that_is_killed_while_it_is_sent_away(held: HeldGame, hand: Hand) -> None:
    """It says no goodbye, and so has not let go: what it held is healed all the same."""
    hand.freeze(1)
    os.kill(hand.pid, signal.SIGSTOP)
    closing = threading.Thread(target=hand.close)
    closing.start()
    os.kill(hand.pid, signal.SIGKILL)
    closing.join()
    held.game.await_ticks()
    assert not list(held.ledger.iterdir())


def test_a_hand_that_does_not_listen_blocks_nobody(held: HeldGame, hand: Hand) -> None:
    """A full pipe must not hang the play loop; the hand is ended."""
    os.kill(hand.pid, signal.SIGSTOP)
    steps = [Step(n, None, PUSH) for n in range(64)]
    with pytest.raises(HandError):
        for serial in range(100_000):
            hand.play(1, 1, serial, steps, 0.01)
    wait_for(lambda: not psutil.pid_exists(hand.pid), "its end")


SLOW = """
import pathlib, time
import nitropilot.controller.pausing.pauser as module
real = module.Pauser.freeze
def freeze(self):
    pathlib.Path({inside!r}).touch()
    while not pathlib.Path({go_on!r}).exists():
        time.sleep(0.01)
    real(self)
module.Pauser.freeze = freeze
"""


def test_a_slow_freeze_does_not_delay_the_neutral_pad(
    held: HeldGame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Freezing may take seconds when a game waits for its disk; letting go must not."""
    inside, go_on, code = tmp_path / "inside", tmp_path / "go on", tmp_path / "code"
    code.mkdir()
    (code / "sitecustomize.py").write_text(SLOW.format(inside=str(inside), go_on=str(go_on)))
    monkeypatch.setenv("PYTHONPATH", f"{code}{os.pathsep}{ROOT}")
    hand = Hand.start(held.pid, page=held.page.path)
    try:
        hand.arm(1)
        hand.hold(1, PUSH, LONG_S)
        freezing = threading.Thread(target=hand.freeze, args=(1,))
        freezing.start()
        wait_for(inside.exists, "the freeze to begin")
        letting_go = threading.Thread(target=hand.release)
        letting_go.start()
        wait_for(lambda: not held.pressed(), "a neutral pad")
        assert letting_go.is_alive() and not go_on.exists()
        go_on.touch()
        freezing.join()
        letting_go.join()
        held.game.await_ticks()
    finally:
        hand.close()


STUBBORN = """
import pathlib
import nitropilot.controller.pads.pad_page as module
real = module.PadPage.write
def write(self, state, lasts=None):
    if state.is_neutral and pathlib.Path({flag!r}).exists():
        raise OSError("broken on purpose")
    real(self, state, lasts)
module.PadPage.write = write
"""


def test_a_pad_that_will_not_let_go_keeps_no_game_frozen_and_expires(
    held: HeldGame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pad comes first, but its failure must not stop what comes second."""
    flag, code = tmp_path / "now", tmp_path / "code"
    code.mkdir()
    (code / "sitecustomize.py").write_text(STUBBORN.format(flag=str(flag)))
    monkeypatch.setenv("PYTHONPATH", f"{code}{os.pathsep}{ROOT}")
    hand = Hand.start(held.pid, page=held.page.path)
    try:
        hand.arm(1)
        hand.hold(1, PUSH, LONG_S)
        hand.freeze(1)
        flag.touch()
        with pytest.raises(HandError, match="broken on purpose"):
            hand.release()
        held.game.await_ticks()
        wait_for(lambda: not held.pressed(), "the state's expiry")
    finally:
        hand.close()


def test_a_fork_cannot_send_its_parents_hand_away(held: HeldGame, hand: Hand) -> None:
    """A worker that ends tidily would take the hand away."""
    child = os.fork()
    if child == 0:
        try:
            hand.close()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert hand.freeze(1)
    hand.thaw()


def test_a_game_that_others_stopped_is_left_as_it_is(held: HeldGame, hand: Hand) -> None:
    """A clean end must not wake a game that its player has stopped."""
    os.kill(held.pid, signal.SIGSTOP)
    wait_for(hand.stopped_by_others, "the stop")
    hand.close()
    assert held.game.stands(0)


@pytest.mark.skipif(os.getuid() != 0, reason="chooses a process id as root")
def test_never_touches_a_reused_process_id(held: HeldGame) -> None:
    """A program that got the ended game's id may be stopped for reasons of its own."""
    old = subprocess.Popen(["sleep", "600"])
    hand = Hand.start(old.pid, page=held.page.path)
    hand.arm(1)
    hand.freeze(1)
    old.kill()
    old.wait()
    helper = reused_pid(old.pid)
    try:
        os.kill(old.pid, signal.SIGSTOP)
        hand.close()
        assert psutil.Process(old.pid).status() == psutil.STATUS_STOPPED
    finally:
        end(helper)


def test_a_hand_is_light() -> None:
    """It must be there at once, and nothing of what it does not need may hold it up."""
    code = "import sys, nitropilot.controller.hand.main; print(*sys.modules)"
    output = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    heavy = {"torch", "numpy", "cv2", "vgamepad", "mss", "Xlib", "pydantic", "fastapi", "asyncio"}
    assert not heavy & set(output.split())


def test_reports_of_a_hand_that_dies_wake_whoever_waits(held: HeldGame, hand: Hand) -> None:
    """The play must hear of it now, not when its patience is over."""
    os.kill(hand.pid, signal.SIGKILL)
    assert hand.reports.get(timeout=LONG_S) is None
    with pytest.raises(queue.Empty):
        hand.reports.get_nowait()


def no_descriptor_left(*_: object) -> None:
    raise OSError(24, "Too many open files")


def test_a_stopped_hand_is_ended_at_once_and_a_slow_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may hold a device, which lets go only with its process; a busy machine ends no play."""
    says = encode("ready", {}).decode().rstrip("\n")
    mute = f"read begin; echo '{says}'; exec sleep 600"
    monkeypatch.setattr(link, "module_command", lambda _: ["/bin/sh", "-c", mute])
    monkeypatch.setattr(link, "SILENT_BEATS", 10**9)
    died = threading.Event()
    it = link.Link.start(lambda message: None, died.set)
    it.begin({}, lambda: None)
    wait_for(lambda: it._unanswered > 12, "a dozen beats without an answer")
    assert it.alive
    with monkeypatch.context() as patched:
        patched.setattr(link, "state", no_descriptor_left)
        beats = it._unanswered
        wait_for(lambda: it._unanswered > beats + 3, "beats go on where nobody can be looked at")
    began = time.monotonic()
    os.kill(it.pid, signal.SIGSTOP)
    wait_for(died.is_set, "it to be ended")
    print(f"ended {(time.monotonic() - began) * 1e3:.0f} ms after it was stopped")
    it.close()
