"""The one place of the golden traces that knows how the program is built.

A change of the program that is not meant to change what it does may change this file (names,
constructors, where a seam is) and no other file of this folder, least of all the expectations.

The seams are the lowest ones there are: the grabber, the hand that holds the game, the probe of
a window, a person's own pads, and what computes.  They are wrapped when a play is
recorded (``tests.golden.record``) and replaced when it is fed back (``tests.golden.replay``).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest import mock

import nitropilot.controller.human.hotkeys
import nitropilot.controller.human.reader
import nitropilot.engines.speeds
import nitropilot.server.sessions.local_inputs
from nitropilot import capture, controller, engines
from nitropilot.agent import Mode, PlaySettings, Session, SessionPlan
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.launch import launch
from nitropilot.agent.target.taking import take_hold
from nitropilot.capture import Frame, Grabber, Rect, ResponseProbe, Window
from nitropilot.capture.window import hidden
from nitropilot.controller import Button, Gamepad, GamepadState
from nitropilot.controller.hand.hand import Sent
from nitropilot.controller.hand.leases import PadLeases, Plan, Step
from nitropilot.controller.human.hotkeys import HotkeyListener
from nitropilot.controller.human.reader import HumanPads
from nitropilot.engines.base import ActionChunk, Engine, Request
from nitropilot.mailbox import Mailbox
from nitropilot.server.auth import Access, TokenStore
from nitropilot.server.daemon.app import create_app
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.pages.files import PUBLIC_FILES
from nitropilot.server.sessions.operating import open_registry
from nitropilot.simulator.games.recipes import find_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from nitropilot.agent.cancelling import Cancellation
    from nitropilot.agent.target.game import Game
    from nitropilot.controller.state import Limits
    from tests.golden.world import World

LOOKER = {"paused": "nitropilot-session", "realtime": "nitropilot-inference"}
"""Which thread grabs for the policy, by the start of its name."""
POLICY = "random:tiny"
HANDLE = 0x1A0
TOKEN = "golden" * 8
PORT = 6487
HAND_S = 0.05
PAGES = sorted(PUBLIC_FILES)
"""Paths of the files that the overlay is made of, and some more."""


def recordings_in(folder: Path) -> Path:
    """Where the daemon whose folders are in ``folder`` keeps its recordings."""
    return folder / "data" / "recordings"


def set_folders(folder: Path) -> None:
    """Have everything that the daemon keeps in here."""
    for name in ("CONFIG", "DATA"):
        os.environ[f"NITROPILOT_{name}"] = str(folder / name.lower())


# -- Seams -------------------------------------------------------------------------------------


@contextmanager
def everywhere(*pairs: tuple[Any, Any]) -> Iterator[None]:
    """For a block, each first thing of a pair is the second, in all modules.

    So it does not matter in which modules the program imports it, and by what name.
    """
    with ExitStack() as stack:
        for old, new in pairs:
            found = _places(old)
            assert found, f"nothing has {old!r}"
            for place, name in found:
                setattr(place, name, new)
                stack.callback(setattr, place, name, old)
        yield


def _places(wanted: Any) -> list[tuple[Any, str]]:
    return [
        (module, name)
        for module in list(sys.modules.values())
        if not getattr(module, "__name__", "").startswith("tests.")
        for name, value in list(getattr(module, "__dict__", {}).items())
        if value is wanted
    ]


# -- Recording ---------------------------------------------------------------------------------


class TappedEngine(Engine):
    """A real engine that notes its chunks."""

    def __init__(self, real: Engine, noted: Callable[[ActionChunk, Request, float], None]) -> None:
        self.spec, self.info, self.max_batch, self.joins = (
            real.spec, real.info, real.max_batch, real.joins,
        )  # fmt: skip
        self._real = real
        self._noted = noted

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As the real one."""
        began = time.perf_counter()
        chunks = self._real.infer_batch(requests)
        self._noted(chunks[0], requests[0], time.perf_counter() - began)
        return chunks

    def close(self) -> None:
        """As the real one."""
        self._real.close()


@contextmanager
def tapped(wrap: Callable[..., Any]) -> Iterator[None]:
    """For a block, the real parts of a game are wrapped: ``wrap(kind, part)``."""
    really_open, really_start = capture.open_grabber, controller.Hand.start
    with (
        everywhere((really_open, lambda window: wrap("grabber", really_open(window)))),
        mock.patch.object(
            controller.Hand, "start", lambda *a, **k: wrap("hand", really_start(*a, **k))
        ),
    ):
        yield


@contextmanager
def real_play(
    game: str, mode: str, seed: int, folder: Path, noted: Callable[..., None], small: str
) -> Iterator[Session]:
    """A session that plays a real game on a display of its own.

    Args:
        game: Its name.
        mode: How it is played.
        seed: Of the noise.
        folder: For its files.
        noted: Gets every chunk, its request, and what it took.
        small: The size that SuperTux gets.
    """
    recipe = find_recipe(game)
    words = tuple(small if word == "800x600" else word for word in recipe.arguments)

    with ExitStack() as stack:
        display = PrivateDisplay.start((640, 480))
        stack.callback(display.close)

        def open_it(log: Path, cancelled: Cancellation) -> Game:
            launched = launch(
                replace(recipe, arguments=words), log=log, display=display.name,
                cancelled=cancelled,
            )  # fmt: skip
            return take_hold(launched.window, launched, pad="auto", freeze_limit=30.0)

        plan = SessionPlan(
            open_game=open_it,
            open_engine=lambda: TappedEngine(engines.load_engine(POLICY, engine="torch"), noted),
            folder=folder,
            settings=PlaySettings(seed=seed, mode=Mode(mode)),
        )
        session = Session(plan)
        session.start()
        try:
            yield session
        finally:
            session.stop("recorded")
            session.wait()


def window_facts(session: Session) -> dict[str, Any]:
    """What is kept of a session's window."""
    assert session.game is not None
    window = session.game.window
    rect = window.rect
    return {
        "executable": window.executable, "title": window.title,
        "left": rect.left, "top": rect.top, "width": rect.width, "height": rect.height,
    }  # fmt: skip


# -- Feeding back ------------------------------------------------------------------------------


class FedGrabber(Grabber):
    """Shows the recorded frames."""

    def __init__(self, world: World, window: Window) -> None:
        self._world = world
        self._window = window
        self._count = 0

    @property
    def window(self) -> Window:
        """The recorded one."""
        return self._window

    def grab(self) -> Frame:
        """The frame whose turn it is, in the time that its grab took."""
        began = time.perf_counter()
        picture = self._world.look()
        if picture is None:
            raise hidden(self._window)
        self._count += 1
        return Frame(picture, began, self._count - 1)

    def close(self) -> None:
        """Nothing is open."""


class FedPad(Gamepad):
    """Notes what it is sent."""

    name = "golden"

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, state: GamepadState) -> None:
        """In the time that the real one took."""
        self._world.sent(state_row(state))

    def close(self) -> None:
        """Note that too."""
        self._world.note("pad closed")


class FedHand:
    """A hand without a process: its leases are the real ones; see ``controller.Hand``.

    It runs in a thread of this clock, and freezes and thaws in the times that were recorded.
    """

    pad_name = FedPad.name
    pid = lapses = cut_freezes = 0
    frozen = False
    freeze_ended = ""

    def __init__(self, world: World) -> None:
        self._world = world
        self.reports: Mailbox[Sent | None] = Mailbox()
        self._leases = PadLeases(FedPad(world), self._sent, lambda: None)
        self._thaws = self._closed = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="golden-hand", daemon=True)
        self._thread.start()

    @classmethod
    def start(cls, world: World) -> FedHand:
        """A process that takes a moment to come up, and others go on meanwhile."""
        time.sleep(HAND_S)
        return cls(world)

    def check(self) -> None:
        """It holds the game."""

    def game_alive(self) -> bool:
        """The game runs."""
        return True

    def stopped_by_others(self) -> bool:
        """Nobody else stops it."""
        return False

    def arm(self, epoch: int) -> None:
        """As the real one."""
        self._tell(lambda now: self._leases.arm(epoch))

    def limit(self, limits: Limits) -> None:
        """As the real one."""
        self._tell(lambda now: self._leases.limit(limits))

    def play(
        self, epoch: int, stretch: int, serial: int, steps: Sequence[Step], period: float,
        *, tail: float = 0.0, thaw: bool = False,
    ) -> None:  # fmt: skip
        """As the real one."""
        plan = Plan(epoch, stretch, serial, period, steps, tail)

        def act(now: float) -> None:
            self._leases.play(plan, now)
            self._thaws = thaw and epoch == self._leases.epoch

        self._tell(act)

    def extend(self, epoch: int) -> None:
        """As the real one."""
        self._tell(lambda now: self._leases.extend(epoch, now))

    def hold(self, epoch: int, state: GamepadState, seconds: float) -> bool:
        """As the real one."""
        held: list[bool] = []
        self._tell(lambda now: held.append(self._leases.hold(epoch, state, seconds, now)))
        return held[0]

    def pass_on(self, state: GamepadState, again: bool = False) -> None:
        """As the real one."""
        self._tell(lambda now: self._leases.pass_on(state, now, again))

    def release(self) -> None:
        """As the real one."""
        self._tell(lambda now: self._leases.release())
        self.thaw()
        self.reports.put(None)

    def freeze(self, epoch: int) -> bool:
        """In the time that the real one took."""
        if epoch != self._leases.epoch:
            return False
        self._tell(lambda now: self._leases.freezing())
        self._world.freeze(self.frozen)
        self.frozen = True
        return True

    def thaw(self) -> None:
        """In the time that the real one took."""
        self._world.thaw(self.frozen)
        self.frozen = False
        self._tell(self._leases.runs)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """The engine computes."""
        yield

    def close(self) -> None:
        """Note that too."""
        if not self._closed:
            self.release()
            self._closed = True
            self._tell(lambda now: self._world.note("hand closed"))

    def _tell(self, act: Callable[[float], object]) -> None:
        with self._condition:
            act(time.perf_counter())
            self._condition.notify()

    def _work(self) -> None:
        with self._condition:
            while not self._closed:
                if self._thaws:
                    self._thaws = False
                    self._world.thaw(self.frozen)
                    self.frozen = False
                    self._leases.runs(time.perf_counter())
                now = time.perf_counter()
                self._leases.beat(now)
                wake = self._leases.tick(now)
                self._condition.wait(None if wake is None else max(wake - time.perf_counter(), 0))

    def _sent(self, stretch: int, serial: int, number: int, due: float, at: float) -> None:
        self.reports.put(Sent(stretch, serial, number, due, at, at))


class FedProbe(ResponseProbe):
    """A window that always answers."""

    def poll(self) -> bool | None:
        """It does."""
        return True

    def close(self) -> None:
        """Nothing is open."""


class FedHuman(HumanPads):
    """A person's pad, as the scenario says."""

    def __init__(self, world: World) -> None:
        self._world = world

    def poll(self, timeout: float) -> GamepadState | None:
        """What they do next, if they do something in that time."""
        does = self._world.human(timeout)
        if does is None:
            return None
        values = dict(does)
        buttons = Button(0)
        for name in values.pop("buttons", ()):
            buttons |= Button[name.upper()]
        return GamepadState(**{k: _tuple(v) for k, v in values.items()}, buttons=buttons)

    def wake(self) -> None:
        """The end."""
        self._world.human_moves(None)

    def close(self) -> None:
        """Nothing is open."""


class NoHotkeys(HotkeyListener):
    """Nobody presses one."""

    trouble = ()

    def close(self) -> None:
        """Nothing is open."""


class FedEngine(Engine):
    """The real engine, whose chunks take the recorded times.

    It looks at the newest frame alone, however many it is said to take.
    """

    def __init__(self, real: Engine, world: World) -> None:
        self.spec = replace(real.spec, frames=world.frames)
        self.info, self.max_batch, self.joins = real.info, real.max_batch, world.joins
        self._real = real
        self._world = world

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """One chunk, as every caller here asks for."""
        (request,) = requests
        newest = replace(request, observation=request.observation[-1:], dropped=0)
        (chunk,) = self._real.infer_batch([newest])
        prefix = request.prefix
        actions, parts = self._world.inferred(
            chunk.actions,
            observation=request.observation,
            noise=request.noise,
            prefix=None if prefix is None else (prefix.actions, prefix.weights),
            dropped=request.dropped, game=request.game, cfg_scale=request.cfg_scale,
        )  # fmt: skip
        return [ActionChunk(actions, {name: parts.get(name, 0.0) for name in chunk.seconds})]

    def close(self) -> None:
        """As the real one."""
        self._real.close()


def state_row(state: GamepadState) -> list[Any]:
    """A pad state as numbers and names of buttons."""
    names = [button.name for button in Button if button.name and button in state.buttons]
    return [*state.left, *state.right, state.left_trigger, state.right_trigger, names]


@dataclass
class House:
    """A daemon without a socket.

    Attributes:
        app: What answers.
        world: What stands in for the system.
    """

    app: ASGIApp
    world: World


@contextmanager
def open_house(world: World, folder: Path) -> Iterator[House]:
    """The real daemon's parts, on the world of a recording."""
    facts = world.recording.window
    rect = Rect(facts["left"], facts["top"], facts["width"], facts["height"])
    window = Window(
        HANDLE, world.pid, facts["executable"], facts["title"], rect, ":0", minimised=False
    )
    real_engine = engines.load_engine
    fed = (
        (capture.find_window, lambda **_: window),
        (capture.list_windows, lambda **_: [window]),
        (capture.open_grabber, lambda window: FedGrabber(world, window)),
        (capture.open_response_probe, lambda _window: FedProbe()),
        (nitropilot.controller.human.reader.open_human_pads, lambda: FedHuman(world)),
        (nitropilot.controller.human.hotkeys.open_hotkeys, lambda _actions: NoHotkeys()),
        (engines.load_engine, lambda *a, **k: FedEngine(real_engine(*a, **k), world)),
        # Measuring takes real time, of which this clock knows nothing; so does waiting for another
        # process that measures.
        (nitropilot.engines.speeds.speeds_here, lambda **_: None),
    )
    with ExitStack() as stack:
        stack.enter_context(everywhere(*fed))
        stack.enter_context(
            mock.patch.object(controller.Hand, "start", lambda *_, **__: FedHand.start(world))
        )
        registry = open_registry({"play": {"policy": POLICY, "engine": "torch"}})
        stack.callback(registry.close)
        stack.enter_context(nitropilot.server.sessions.local_inputs.LocalInputs(registry))
        access = Access(HostRules("127.0.0.1", PORT), TOKEN, TokenStore(folder / "tokens.json"))
        yield House(create_app(registry, access), world)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
