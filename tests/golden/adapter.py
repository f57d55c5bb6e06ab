"""The one place of the golden traces that knows how the program is built.

A change of the program that is not meant to change what it does may change this file (names,
constructors, where a seam is) and no other file of this folder, least of all the expectations.

The seams are the lowest ones there are: the grabber, the pad, the pauser, the watchdog and the
probe of a window, a person's own pads, and what computes.  They are wrapped when a play is
recorded (``tests.golden.record``) and replaced when it is fed back (``tests.golden.replay``).
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest import mock

import nitropilot.controller.human.hotkeys
import nitropilot.controller.human.reader
import nitropilot.controller.pausing.pauser
import nitropilot.controller.pausing.watchdog
import nitropilot.server.sessions.local_inputs
from nitropilot import capture, controller, engines
from nitropilot.agent import Mode, PlaySettings, Session, SessionPlan
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.game import take_hold
from nitropilot.agent.target.launch import launch
from nitropilot.capture import Frame, Grabber, Rect, ResponseProbe, Window
from nitropilot.capture.window import hidden
from nitropilot.controller import Button, Gamepad, GamepadState
from nitropilot.controller.human.hotkeys import HotkeyListener
from nitropilot.controller.human.reader import HumanPads
from nitropilot.engines.base import ActionChunk, Engine, Request
from nitropilot.server.auth import Access, TokenStore
from nitropilot.server.daemon.app import create_app
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.pages.files import PUBLIC_FILES
from nitropilot.server.sessions.operating import open_registry
from nitropilot.simulator.catalogue import find_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from nitropilot.agent.cancelling import Cancellation
    from nitropilot.agent.target.game import Game
    from tests.golden.world import World

LOOKER = {"paused": "nitropilot-session", "realtime": "nitropilot-inference"}
"""Which thread grabs for the policy, by the start of its name."""
POLICY = "random:tiny"
HANDLE = 0x1A0
TOKEN = "golden" * 8
PORT = 6487
WATCHDOG_S = 0.05
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


def tapped(wrap: Callable[..., Any]) -> Any:
    """For a block, the real parts of a game are wrapped: ``wrap(kind, part)``."""
    real = (
        capture.open_grabber,
        controller.open_gamepad,
        nitropilot.controller.pausing.pauser.Pauser,
    )
    kinds = ("grabber", "pad", "pauser")

    def opener(kind: str, really_open: Any) -> Any:
        return lambda *args, **options: wrap(kind, really_open(*args, **options))

    return everywhere(*((one, opener(kind, one)) for kind, one in zip(kinds, real, strict=True)))


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


class FedPauser:
    """Notes freezes and thaws; see ``controller.Pauser``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.frozen = False
        self.pid = os.getpid()

    def freeze(self) -> None:
        """In the time that the real one took."""
        self._world.freeze(self.frozen)
        self.frozen = True

    def thaw(self) -> None:
        """In the time that the real one took."""
        self._world.thaw(self.frozen)
        self.frozen = False

    def alive(self) -> bool:
        """The game runs."""
        return True

    def stopped_by_others(self) -> bool:
        """Nobody else stops it."""
        return False

    def close(self) -> None:
        """As the real one."""
        self.thaw()
        self._world.note("pauser closed")


class FedWatchdog:
    """Notes what it is told; see ``controller.Watchdog``."""

    pid = 0
    alive = True

    def __init__(self, world: World) -> None:
        self._world = world

    @classmethod
    def start(cls, world: World) -> FedWatchdog:
        """A process that takes a moment to come up, and others go on meanwhile."""
        time.sleep(WATCHDOG_S)
        return cls(world)

    def check(self) -> None:
        """The guard stands."""

    def freezing(self) -> None:
        """As the real one."""
        self._world.note("watchdog: freezing")

    def thawed(self) -> None:
        """As the real one."""
        self._world.note("watchdog: thawed")

    def close(self) -> None:
        """As the real one."""
        self._world.note("watchdog closed")


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
        (controller.open_gamepad, lambda *_, **__: FedPad(world)),
        (nitropilot.controller.pausing.pauser.Pauser, lambda *_, **__: FedPauser(world)),
        (nitropilot.controller.human.reader.open_human_pads, lambda: FedHuman(world)),
        (nitropilot.controller.human.hotkeys.open_hotkeys, lambda _actions: NoHotkeys()),
        (engines.load_engine, lambda *a, **k: FedEngine(real_engine(*a, **k), world)),
    )
    watchdog = nitropilot.controller.pausing.watchdog.Watchdog
    with ExitStack() as stack:
        stack.enter_context(everywhere(*fed))
        stack.enter_context(
            mock.patch.object(watchdog, "start", lambda *_, **__: FedWatchdog.start(world))
        )
        registry = open_registry({"play": {"policy": POLICY, "engine": "torch"}})
        stack.callback(registry.close)
        stack.enter_context(nitropilot.server.sessions.local_inputs.LocalInputs(registry))
        access = Access(HostRules("127.0.0.1", PORT), TOKEN, TokenStore(folder / "tokens.json"))
        yield House(create_app(registry, access), world)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
