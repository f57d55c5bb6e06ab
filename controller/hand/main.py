"""A game's hand: the one process through which everything goes that touches the game.

    python -m nitropilot.controller.hand.main  < messages  > messages

``controller.hand.hand`` starts it and says on stdin which game, which pad and on which leases
(``begin`` in ``Beginning``); ``controller.hand.protocol`` has the rest.  It holds the pad, stops
the game and lets it run, and keeps the time of the sends.  It imports no web, no torch and no
picture, so nothing that the daemon does holds it up.

When stdin ends, its daemon has died: the pad becomes neutral, the game runs, and what the daemon
had made for it is healed by the ledger.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import ExitStack, suppress

import psutil

from nitropilot.controller.hand.beginning import Beginning
from nitropilot.controller.hand.outbox import say
from nitropilot.controller.hand.process import REST_S, HandProcess
from nitropilot.controller.hand.protocol import decode, failure
from nitropilot.controller.hand.turns import ask_for_early_turns
from nitropilot.controller.ledger.heal import heal_all
from nitropilot.controller.processes import State, state

DEATH_S = 10.0
"""How long to wait for the end of a daemon whose pipe has closed."""
NICENESS = -10
_STDIN, _STDERR = 0, 2


def main() -> int:
    """Hold one game until the daemon says goodbye, dies, or a SIGTERM comes."""
    line = b""
    while not line.endswith(b"\n"):
        if not (part := os.read(_STDIN, 65536)):
            return 1
        line += part
    begin = Beginning(**decode(line)[1])
    _come_first()
    try:
        with ExitStack() as undo:  # neutral, running, and the entry gone, in this order
            goodbye = HandProcess(begin, undo).work()
    except Exception as error:  # noqa: BLE001 - whoever started this process is told
        say("failed", 0, *failure(error))
        return 1
    if not goodbye:
        _say_to_people([f"let go of process {begin.game}", *_heal_after(begin.owner)])
    return 0


def _come_first() -> None:
    """Before what else wants the processor, as far as the user may ask for that.

    It is for a few microseconds sixty times a second, and on these the play depends.
    """
    with suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.HIGH_PRIORITY_CLASS)
        else:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    ask_for_early_turns()


def _heal_after(owner: int) -> list[str]:
    """Once the daemon is gone its entries can be healed; one that lives heals its own."""
    deadline = time.monotonic() + DEATH_S
    with suppress(psutil.Error):
        process = psutil.Process(owner)
        while state(process) is not State.GONE and time.monotonic() < deadline:
            time.sleep(0.01)
    return heal_all()


def _say_to_people(lines: list[str]) -> None:
    """On what was the daemon's standard error, which may be blocked: nothing waits for it."""
    text = "".join(f"nitropilot hand: {line}\n" for line in lines).encode(errors="replace")
    writer = threading.Thread(target=_write, args=(text,), daemon=True)
    writer.start()
    writer.join(REST_S)


def _write(text: bytes) -> None:
    with suppress(OSError):
        os.write(_STDERR, text)


if __name__ == "__main__":
    sys.exit(main())
