"""Runs as root in the virtual machine: a human's pad beside ours, and who plays.

``python -m tests.uinput_vm.human_guest OUT`` writes ``OUT/facts.json``;
``test_human.py`` on the host judges the facts.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nitropilot.agent.session.human import HumanPlay, HumanThread
from nitropilot.agent.session.plan import SessionPlan
from nitropilot.agent.session.session import Session
from nitropilot.agent.session.states import SessionState
from nitropilot.agent.session.takeover import TakeoverSettings
from nitropilot.agent.target.controls import Controls
from nitropilot.controller import NEUTRAL, Button, GamepadState, Hand, PadPage
from nitropilot.controller.human.reader import human_report, open_human_pads
from nitropilot.controller.pads.vgamepad_pad import VGamepadPad
from tests.uinput_vm.cases import CASES
from tests.uinput_vm.guest import try_as_nobody
from tests.uinput_vm.hands import be_patient
from tests.uinput_vm.watching import Helper

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.human.reader import HumanPads

PATIENCE_S = 30.0
IDLE_S = 1.0
AGENT_STATE = GamepadState(left=(-1.0, 0.0), buttons=Button.A)
REST_VALUES = [0, 0, 0, 0, -32768, -32768, 0, 0]
"""Left, right, triggers and buttons as a game reads them, with nothing pressed."""
SHOULDER_VALUES = [*REST_VALUES[:6], 1 << 10, 0]

Facts = dict[str, Any]


def next_state(pads: HumanPads) -> GamepadState | None:
    """The next change, or None if there is none in time."""
    return pads.poll(PATIENCE_S)


def plain(state: GamepadState | None) -> Facts | None:
    """A state for JSON."""
    return None if state is None else asdict(state) | {"buttons": int(state.buttons)}


def read_cases(human: Helper, pads: HumanPads) -> Facts:
    """Every case as the human's pad sends it, and the return to rest after it."""
    facts: Facts = {"cases": {}, "after": {}}
    for name, case in CASES.items():
        human.ask(name)
        # A report comes in one piece, but several may be on their way.
        state = next_state(pads)
        while state is not None and not near(state, case) and (more := pads.poll(2.0)):
            state = more
        facts["cases"][name] = plain(state)
        human.ask("neutral")
        facts["after"][name] = plain(next_state(pads))
    return facts


def near(state: GamepadState, case: GamepadState) -> bool:
    """Whether a state is a case, but for the steps of its axes."""
    axes = zip(
        (*state.left, *state.right, state.left_trigger, state.right_trigger),
        (*case.left, *case.right, case.left_trigger, case.right_trigger),
        strict=True,
    )
    return state.buttons == case.buttons and all(abs(a - b) < 0.01 for a, b in axes)


def read_beside_ours(human: Helper, pads: HumanPads) -> Facts:
    """A pad of ours presses, then the human: only the second may be seen."""
    with VGamepadPad() as ours:
        time.sleep(2.5)  # two looks for new pads
        ours.send(AGENT_STATE)
        own = plain(pads.poll(2.0))
        human.ask("B")
        theirs = plain(next_state(pads))
        ours.send(NEUTRAL)
        ours.send(AGENT_STATE)
        human.ask("neutral")
        rest = plain(next_state(pads))
    return {"own": own, "human": theirs, "rest": rest, "after": plain(pads.poll(2.0))}


class Seat:
    """A session on real controls: a page and a hand; a sleeping process is the game."""

    def __init__(self, folder: Path) -> None:
        self.game = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        self.page = PadPage.create()
        self.controls = Controls(Hand.start(self.game.pid, page=self.page.path))
        self.session = Session(SessionPlan(lambda _: None, lambda: None, folder))  # type: ignore[arg-type, return-value]
        self.session.machine.game = SimpleNamespace(controls=self.controls, page=self.page)  # type: ignore[assignment]
        self.session.machine.enter(SessionState.ATTACHING)
        self.session.machine.enter(SessionState.PLAYING)
        self.controls.arm()
        self.ending = threading.Event()
        self.agent = threading.Thread(target=self._press)
        self.agent.start()

    def _press(self) -> None:
        """What a play loop does: send, in the current epoch."""
        while not self.ending.wait(0.005):
            if self.session.state is SessionState.PLAYING:
                self.controls.send(AGENT_STATE, self.controls.epoch)

    def values(self) -> list[int]:
        """What the game reads: left, right, triggers, buttons."""
        cells = struct.iter_unpack("=Ihh", self.page.path.read_bytes()[64:96])
        return [value for _, *pair in cells for value in pair]

    def close(self) -> None:
        """End the agent, the controls and the game."""
        self.ending.set()
        self.agent.join()
        self.controls.close()
        self.game.kill()
        self.game.wait()
        self.page.close()
        self.page.unlink()


def waited(condition: Callable[[], bool]) -> float | None:
    """Seconds until something holds."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > PATIENCE_S:
            return None
        time.sleep(0.001)
    return time.monotonic() - start


def take_over(human: Helper, pads: HumanPads, folder: Path) -> Facts:
    """The human touches the pad, plays, lets go, and the agent comes back."""
    seat = Seat(folder)
    seat.session.control.set_takeover(TakeoverSettings(True, IDLE_S))
    seen: list[float] = []
    moments: list[float] = []

    def note(_session: object, _state: GamepadState) -> None:
        seen.append(time.monotonic())

    really = seat.session.control.hand_over

    def timed() -> bool:
        began = time.monotonic()
        done = really()
        if done:
            moments.append(time.monotonic() - began)
        return done

    seat.session.control.hand_over = timed  # type: ignore[method-assign]
    thread = HumanThread(pads, HumanPlay(lambda: [seat.session.control], note))
    facts: Facts = {}
    try:
        facts["agent_plays"] = waited(lambda: seat.values()[0] == -32767)
        began = time.monotonic()
        human.ask("RIGHT_SHOULDER")
        facts["taken_s"] = waited(lambda: seat.session.state is SessionState.TAKEOVER)
        waited(lambda: moments)  # the state is there a moment before the call returns
        facts["let_go_s"] = moments[0] if moments else None
        facts["passed_s"] = waited(
            lambda: seat.values() == [0, 0, 0, 0, -32768, -32768, 1 << 10, 0]
        )
        facts["all_s"] = time.monotonic() - began
        time.sleep(2 * IDLE_S)
        facts["held"] = str(seat.session.state)
        human.ask("left_up")
        facts["pushed"] = waited(lambda: seat.values()[:2] == [0, -32767])
        human.ask("neutral")
        rested = time.monotonic()
        facts["released"] = waited(lambda: seat.values() == REST_VALUES)
        facts["back"] = waited(lambda: seat.session.state is SessionState.PLAYING)
        facts["back_s"] = time.monotonic() - rested
        facts["agent_again"] = waited(lambda: seat.values()[0] == -32767)
        seat.session.control.set_takeover(TakeoverSettings(False, IDLE_S))
        human.ask("B")
        time.sleep(1.0)
        facts["switched_off"] = str(seat.session.state)
        human.ask("neutral")
        seat.session.control.set_takeover(TakeoverSettings(True, None))
        human.ask("everything")
        facts["taken_again"] = waited(lambda: seat.session.state is SessionState.TAKEOVER)
        human.process.kill()
        human.process.wait()
        facts["unplugged"] = waited(lambda: seat.values() == REST_VALUES)
        time.sleep(2 * IDLE_S)
        facts["waits"] = str(seat.session.state)
        facts["seen"] = len(seen)
    finally:
        thread.close()
        seat.close()
    return facts


def gather(facts: Facts, folder: Path) -> None:
    """Everything, in order."""
    be_patient()
    facts["before"] = asdict(human_report())
    subprocess.run(["modprobe", "-a", "uinput", "joydev", "evdev"], check=True)
    subprocess.run(["udevadm", "settle"], check=True)
    facts["without_pads"] = asdict(human_report())
    human = Helper("pad_holder")
    subprocess.run(["udevadm", "settle"], check=True)
    facts["with_pad"] = asdict(human_report())
    facts["stranger"] = try_as_nobody([], lambda: asdict(human_report()))
    pads = open_human_pads()
    facts["at_open"] = plain(pads.poll(2.0))
    facts |= read_cases(human, pads)
    facts["beside"] = read_beside_ours(human, pads)
    facts["takeover"] = take_over(human, pads, folder)


def main(out: Path) -> None:
    """Write the facts, or why there are none."""
    facts: Facts = {"error": None}
    try:
        gather(facts, out / "session")
    except Exception:
        facts["error"] = traceback.format_exc()
    part = out / "facts.json.part"
    part.write_text(json.dumps(facts))
    part.rename(out / "facts.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
