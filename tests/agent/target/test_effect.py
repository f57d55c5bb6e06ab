"""Measuring whether the pad moves the picture."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent.target.effect import PadEffect, measure_effect
from nitropilot.agent.target.taking import take_hold
from tests.agent.playing import neutral

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the preloaded pad")


@pytest.mark.parametrize(
    ("before", "held", "after", "changed"),
    [(0.0, 0.3, 0.0, True), (0.0, 0.0, 0.0, False), (0.0, 0.01, 0.0, False),
     (0.1, 0.3, 0.0, False), (0.0, 0.3, 0.1, False), (0.05, 0.3, 0.05, True)],
)  # fmt: skip
def test_when_the_pad_counts_as_working(
    before: float, held: float, after: float, changed: bool
) -> None:
    """A game that moves by itself must not pass for one that obeys."""
    effect = PadEffect(before, held, after)
    assert effect.changed is changed
    assert effect.as_dict()["changed"] is changed


@linux
@pytest.mark.game
def test_a_real_game_obeys_an_armed_pad_only(runner: LaunchedGame) -> None:
    """The measurement must come from the pad, not from the game's own doing."""
    game = take_hold(runner.window, None, "auto", freeze_limit=30.0)
    try:
        idle = measure_effect(game, seconds=0.3)
        assert not idle.changed, idle
        assert idle.held == 0.0
        game.controls.arm()
        effects = []
        for _ in range(3):  # a busy machine may swallow a look
            effects.append(measure_effect(game, seconds=0.4))
            if effects[-1].changed:
                break
        assert effects[-1].changed, effects
        assert game.page is not None
        assert neutral(game.page.path)
    finally:
        game.close()


@linux
@pytest.mark.game
def test_a_game_that_a_busy_machine_holds_up_is_waited_for(runner: LaunchedGame) -> None:
    """In the time that moves a view on a quiet machine, a slow game has hardly taken a step."""
    assert runner.window.pid is not None
    game = take_hold(runner.window, None, "auto", freeze_limit=30.0)
    go_on = threading.Timer(2.0, os.kill, (runner.window.pid, signal.SIGCONT))
    try:
        game.controls.arm()
        os.kill(runner.window.pid, signal.SIGSTOP)
        go_on.start()
        effect = measure_effect(game, seconds=0.3)
        assert effect.changed, effect
    finally:
        go_on.join()
        game.close()
