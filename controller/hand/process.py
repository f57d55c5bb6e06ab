"""``HandProcess``: what a hand does with each message."""

from __future__ import annotations

import math
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nitropilot.controller.errors import ProcessGone
from nitropilot.controller.hand.beginning import freezer_of, open_clock, open_pad
from nitropilot.controller.hand.freezer import Freezer
from nitropilot.controller.hand.leases import PadLeases, Plan, Step
from nitropilot.controller.hand.outbox import STDOUT, say
from nitropilot.controller.hand.protocol import decode, failure, unpack
from nitropilot.controller.hand.stepping import ASKED, Stepping
from nitropilot.controller.ledger.entry import Entry
from nitropilot.controller.pads import own_pads
from nitropilot.controller.pausing.pauser import Pauser
from nitropilot.controller.processes import birth
from nitropilot.controller.state import NEUTRAL, Button, Limits
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from nitropilot.controller.hand.beginning import Beginning

SPIN_S = 0.001
"""How long before a send the hand stops sleeping: a sleep wakes up that late."""
NAP_S = 0.002
"""How long Windows is slept at a time: its waits for another thread last 15 ms."""
REST_S = 1.0
"""How long the game waits for a neutral pad at most when its freeze ends by itself."""
_STDIN = 0
Message = list[Any] | tuple[Any, ...]
"""A list is the daemon's, a tuple our own."""


class HandProcess:
    """What the process does with each message."""

    def __init__(self, begin: Beginning, undo: ExitStack) -> None:
        self._begin = begin
        self._inbox: Mailbox[Message] = Mailbox()
        born = birth(begin.game)
        if born is None:
            raise ProcessGone(
                f"process {begin.game} is not running", "start the game and choose it again"
            )
        facts = {
            "game": begin.game, "born": born, "owner": begin.owner, "owner_name": begin.owner_name,
            "its_clock": begin.clock,
        }  # fmt: skip
        self._entry = Entry.create(f"game-{begin.game}-{born}", facts)
        undo.callback(self._entry.remove)
        pauser = Pauser(begin.game, protect=begin.protect, entry=self._entry)
        undo.callback(pauser.close)
        self._pad = open_pad(begin)
        self._owned = sys.platform != "win32"  # ViGEm knows its slot a moment later
        undo.callback(self._pad.close)
        self._pad.send(NEUTRAL)  # from the first state on there is none that never expires
        self._leases = PadLeases(self._pad, self._sent, self._lapsed, begin.lease)
        clock = open_clock(begin, undo)
        limit = math.inf if begin.stays else begin.limit
        game = freezer_of(begin, pauser, clock)
        self._freezer = Freezer(game, self._ended, begin.lease, limit)
        undo.callback(self._freezer.close)
        self._stepping = Stepping(
            begin, clock, self._entry, self._leases, self._freezer, self._inbox.put
        )
        undo.callback(self._stepping.close)
        undo.callback(self._leases.release)
        self._does: dict[str, Callable[..., object]] = {
            "beat": self._beat, "arm": self._leases.arm, "play": self._play,
            "extend": lambda epoch: self._leases.extend(epoch, time.perf_counter()),
            "hold": self._hold, "pass": self._pass, "limits": self._limit,
            "release": self._release, "freeze": self._freeze, "thaw": self._thaw,
            "runs": lambda: self._leases.runs(time.perf_counter()),
            "ended": self._let_go, **self._stepping.does,
        }  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """What the daemon is told first."""
        return {"pad": self._pad.name, **_own()}

    def work(self) -> bool:
        """Do what comes until the end; whether the daemon said goodbye."""
        if sys.platform != "win32":
            os.set_blocking(STDOUT, False)  # a daemon that reads nothing must not hold us up
        threading.Thread(target=self._read, name="nitropilot-reader", daemon=True).start()
        follow_signals(self._inbox)
        say("ready", self.facts())
        wake: float | None = None
        while True:
            message = self._next(wake)
            if message is not None:
                word, *rest = message
                if isinstance(message, list):  # from the daemon; tuples are our own
                    self._leases.beat(time.perf_counter())
                if word == "close":
                    say("done", rest[0], True)
                    return True
                if word == "end":
                    return False
                self._do(word, rest)
            wake = self._leases.tick(time.perf_counter())

    def _do(self, word: str, rest: list[Any]) -> None:
        try:
            self._does[word](*rest)
        except Exception as error:  # noqa: BLE001 - the daemon decides what it means
            say("failed", rest[0] if word in _ASKED else 0, *failure(error))

    def _next(self, wake: float | None) -> Message | None:
        """The next message, or None when it is time to look at the pad."""
        if wake is None:
            return self._inbox.get()
        with suppress(queue.Empty):
            return self._inbox.get_nowait()  # held up, too: what came meanwhile comes first
        with suppress(queue.Empty):
            left = wake - SPIN_S - time.perf_counter()
            if left > 0 and sys.platform != "win32":
                return self._inbox.get(timeout=left)
        with suppress(queue.Empty):
            return self._spin(wake)
        return None

    def _spin(self, wake: float) -> Message:
        """Look for a message until ``wake``, without a wait that could come back late."""
        while (left := wake - time.perf_counter()) > 0:
            with suppress(queue.Empty):
                return self._inbox.get_nowait()
            if left > NAP_S + SPIN_S:
                time.sleep(NAP_S)
        raise queue.Empty

    def _beat(self, number: int, computing: bool) -> None:
        if computing or self._begin.stays:
            self._freezer.renew()
        self._stepping.renew()
        say("beat", number)
        if not self._owned and (facts := _own())["slots"] is not None:
            self._owned = True
            say("own", facts)

    def _play(
        self, epoch: int, stretch: int, serial: int, thaw: bool, period: float,
        steps: list[tuple[int, float | None, list[float]]], tail: float,
    ) -> None:  # fmt: skip
        unpacked = [Step(number, due, unpack(state)) for number, due, state in steps]
        plan = Plan(epoch, stretch, serial, period, unpacked, tail)
        self._leases.play(plan, time.perf_counter())
        if thaw and epoch == self._leases.epoch:
            self._freezer.thaw(lambda error: self._thawed(0, error))

    def _hold(self, number: int, epoch: int, seconds: float, state: list[float]) -> None:
        held = self._leases.hold(epoch, unpack(state), seconds, time.perf_counter())
        say("done", number, held)

    def _pass(self, state: list[float], again: bool) -> None:
        self._leases.pass_on(unpack(state), time.perf_counter(), again)

    def _limit(self, buttons: int, axes: list[str]) -> None:
        self._leases.limit(Limits(Button(buttons), tuple(axes)))

    def _release(self, number: int) -> None:
        try:
            self._leases.release()
        except BaseException:
            self._pad.close()  # a device that cannot be made neutral is taken away from the game
            raise
        finally:
            self._stepping.let_go()
            self._freezer.thaw(lambda error: self._thawed(number, error))

    def _freeze(self, number: int, epoch: int) -> None:
        if epoch != self._leases.epoch or not epoch:
            say("done", number, False)
            return
        self._leases.freezing()
        self._freezer.freeze(lambda error: self._frozen(number, error))

    def _thaw(self, number: int) -> None:
        self._freezer.thaw(lambda error: self._thawed(number, error))

    def _frozen(self, number: int, error: BaseException | None) -> None:
        if error is None:
            say("done", number, True)
        else:
            self._inbox.put(("runs",))
            say("failed", number, *failure(error))

    def _thawed(self, number: int, error: BaseException | None) -> None:
        self._inbox.put(("runs",))
        if error is not None:
            say("failed", number, *failure(error))
        elif number:
            say("done", number, True)

    def _ended(self, why: str) -> None:
        """A freeze ends by itself: neutral first, which is the other thread's to do."""
        done = threading.Event()
        self._inbox.put(("ended", why, done))
        done.wait(REST_S)

    def _let_go(self, why: str, done: threading.Event) -> None:
        try:
            self._leases.rest()
        finally:
            done.set()
            self._inbox.put(("runs",))
            say("thawed", why)

    def _sent(self, stretch: int, serial: int, number: int, due: float, began: float) -> None:
        say("sent", stretch, serial, number, due, began, time.perf_counter())

    def _lapsed(self) -> None:
        say("lapsed", self._leases.lapses)

    def _read(self) -> None:
        rest = b""
        try:
            while part := os.read(_STDIN, 65536):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    self._inbox.put(decode(line))
        finally:
            self._inbox.put(("end",))


_ASKED = {"hold", "release", "freeze", "thaw", *ASKED}


def _own() -> dict[str, Any]:
    slots = own_pads.slots()
    return {"nodes": sorted(own_pads.nodes()), "slots": None if slots is None else sorted(slots)}


def follow_signals(inbox: Mailbox[Message]) -> None:
    """End only on SIGTERM: a Ctrl-C or a closed terminal is meant for others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: inbox.put(("end",)))
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
