"""Real hands with real pads in the guest, killed or stopped while they press everything.

The first hand starts as it does for a player, with as long as it needs, and the others are forked
from this process (``watching``): from there on they run the same ``main``.  Nothing here ends a
freeze but the death of the hand: its lease is as long as can be.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psutil

from nitropilot.controller import Hand
from nitropilot.controller.hand import hand as near_end
from nitropilot.controller.hand import leases, link
from nitropilot.controller.hand.link import Link
from nitropilot.controller.hand.main import main as hold_a_game
from nitropilot.controller.processes import State, state
from tests.uinput_vm.cases import CASES, KILLS
from tests.uinput_vm.watching import become, pads, seconds_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.uinput_vm.watching import Facts, Helper

assert sys.platform == "linux"

PATIENCE_S = 300.0
EPOCH = 1
WAYS = [(way, frozen) for way in (signal.SIGKILL, signal.SIGSTOP) for frozen in (False, True)]
"""A hand that is stopped is ended by its daemon, which is this process."""


def be_patient() -> None:
    """With hands on an emulated processor: none is given up for being slow, and one that is forked
    does not let go because this process had no processor for a moment."""
    leases.ALIVE_S = PATIENCE_S
    link.START_TIMEOUT_S = near_end.ANSWER_S = near_end.FREEZE_S = PATIENCE_S
    link.SILENT_BEATS = int(PATIENCE_S / link.BEAT_S)


def kill_hands(reader: Helper) -> list[Facts]:
    """What becomes of ``KILLS`` hands' pads and games, each as a game's reader sees it."""
    be_patient()
    return [
        kill_hand(reader, way, frozen, warm=turn + number > 0)
        for turn in range(KILLS // len(WAYS))
        for number, (way, frozen) in enumerate(WAYS)
    ]


def kill_hand(reader: Helper, way: signal.Signals, frozen: bool, warm: bool) -> Facts:
    """One of them."""
    began = time.monotonic()
    game = subprocess.Popen(["sleep", "3600"])
    running = psutil.Process(game.pid)
    with patch.object(Link, "start", start_warm) if warm else nullcontext():
        hand = Hand.start(
            game.pid, pad="vgamepad", freeze_lease=PATIENCE_S, freeze_limit=PATIENCE_S
        )
    try:
        hand.arm(EPOCH)
        reader.ask("find")
        facts: Facts = {"way": way.name, "warm": warm, "pressed": press_until_seen(hand, reader)}
        facts["frozen"] = frozen and hand.freeze(EPOCH) and state(running) is State.STOPPED
        facts["existed"] = pads()
        os.kill(hand.pid, way)
        facts["gone_after_s"] = seconds_until(lambda: pads() == 0, PATIENCE_S)
        facts["runs_after_s"] = seconds_until(lambda: state(running) is State.RUNNING, PATIENCE_S)
        seconds_until(lambda: not look(reader)["attached"], PATIENCE_S)
        return facts | {"seen": look(reader), "took_s": time.monotonic() - began}
    finally:
        hand.close()
        game.kill()
        game.wait()


def press_until_seen(hand: Hand, reader: Helper) -> list[str]:
    """Press everything; the buttons that the reader sees then.

    It is pressed again and again: the first hand lets go whenever this process is silent.
    """
    seen: list[str] = []

    def there() -> bool:
        hand.hold(EPOCH, CASES["everything"], PATIENCE_S)
        seen[:] = look(reader).get("buttons", [])
        return bool(seen)

    seconds_until(there, PATIENCE_S)
    return seen


def look(reader: Helper) -> Facts:
    """What the reader sees now."""
    seen: Facts = json.loads(reader.ask("state"))
    return seen


def start_warm(heard: Callable[[list[Any]], None], died: Callable[[], None]) -> Link:
    """``Link.start``, with a fork of this process in place of a new interpreter."""
    process = subprocess.Popen(
        ["hand"], executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        bufsize=0, start_new_session=True, preexec_fn=become(hold_a_game),
    )  # fmt: skip
    return Link(process, heard, died)
