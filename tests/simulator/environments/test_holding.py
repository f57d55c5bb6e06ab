"""A game that is held for an environment, whatever becomes of its hand."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

if sys.platform != "linux":
    pytest.skip("the preloaded pad and clock are for Linux", allow_module_level=True)

from nitropilot.controller.state import NEUTRAL
from nitropilot.simulator.environments.holding import LockstepHeld
from tests.controller.hand.asker import PUSH
from tests.controller.pausing.ticking import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.controller.hand.conftest import Frames


def test_a_step_is_done_once_whatever_becomes_of_the_hand(
    start_frames: Callable[..., Frames],
) -> None:
    """Neither lost nor done twice: whether the hand died before the step or in the middle of it."""
    game = start_frames()
    facts = SimpleNamespace(
        clock=game.clock, page=game.page, process=game.talker.process, display=None
    )
    held = LockstepHeld(cast("Any", facts))
    try:
        held.step(NEUTRAL)
        for stopped in (held._hand.pid, game.pid):
            hand = held._hand.pid
            os.kill(stopped, signal.SIGSTOP)
            stepping = threading.Thread(target=held.step, args=(PUSH,))
            stepping.start()
            if stopped == game.pid:
                wait_for(game.pressed, "the step's state")
            os.kill(hand, signal.SIGKILL)
            if stopped == game.pid:
                wait_for(lambda: not held._hand._link.alive, "the hand's end")
                os.kill(game.pid, signal.SIGCONT)
            stepping.join()
            held.step(NEUTRAL)
        seen = [game.hear() for _ in range(6)]
        assert seen == list(enumerate([False, False, True, False, True, False]))
        assert game.talker.silent(0.1), "it goes on without being asked to"
        assert game.clock.status().lapses == 0
    finally:
        held.close()
