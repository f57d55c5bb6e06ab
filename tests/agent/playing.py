"""Sessions on real games for the tests of this room: helpers and wrappers of real parts."""

from __future__ import annotations

import itertools
import struct
import sys
import threading
import time
import traceback
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nitropilot.agent import Mode, PlaySettings, Session, SessionPlan, Target, open_game
from nitropilot.agent.record.trace import read_trace as lines_of
from nitropilot.engines.base import ActionChunk, Engine, Request
from nitropilot.engines.pytorch.engine import TorchEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nitropilot.agent import Game
    from nitropilot.agent.cancelling import Cancellation
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.capture import Grabber
    from nitropilot.policy.network.policy import Policy

PATIENCE_S = 60.0
NEUTRAL_PAGE = [(0, 0), (0, 0), (-32768, -32768), (0, 0)]
"""Sticks, triggers and buttons of a page on which nothing is pressed."""

BOTH = (Mode.PAUSED, Mode.REALTIME)
paused_only = pytest.mark.parametrize("stage", [Mode.PAUSED], indirect=True, ids=["paused"])
realtime_only = pytest.mark.parametrize("stage", [Mode.REALTIME], indirect=True, ids=["realtime"])
"""For tests of what only one of the modes does."""


earlier_threads: set[threading.Thread] = set()
"""Those that another test has left, whose failure that is."""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition, long enough for any machine, and return what it returned."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still not so after {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.005)
    return value


def stacks() -> str:
    """What each thread is doing."""
    frames = sys._current_frames()
    return "\n".join(
        f"{thread.name}:\n{''.join(traceback.format_stack(frames[thread.ident]))}"
        for thread in threading.enumerate()
        if thread.ident in frames
    )


def pad_values(page: Path) -> list[tuple[int, int]]:
    """What a game reads on its pad page: left, right, triggers, buttons."""
    return [(a, b) for _, a, b in struct.iter_unpack("=Ihh", page.read_bytes()[64:96])]


def stopped(pid: int) -> bool:
    """Whether a process stands still."""
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def gone(pid: int) -> bool:
    """Whether a process has ended and was waited for."""
    return not psutil.pid_exists(pid)


def polls(page: Path) -> int:
    """How often the game has read its pad: the game's own clock, a tick a frame."""
    count: int = struct.unpack_from("=Q", page.read_bytes(), 144)[0]
    return count


def runs_on(game: LaunchedGame) -> None:
    """The game is not stopped and its frames go on."""
    assert game.page is not None
    assert not stopped(game.process.pid)
    before = polls(game.page.path)
    until(lambda: polls(game.page.path) > before + 3, "the game draws on")


def at_call(part: object, method: str, nth: int, act: Callable[[], None]) -> None:
    """Do ``act`` just before the ``nth`` call of a real part's method."""
    real = getattr(part, method)
    calls = itertools.count(1)

    def call(*args: Any, **options: Any) -> Any:
        if next(calls) == nth:
            act()
        return real(*args, **options)

    setattr(part, method, call)


def raiser(error: Exception) -> Callable[[], None]:
    """Something that raises when it is done."""

    def fail() -> None:
        raise error

    return fail


def at_grab(stage: Stage, game: Game, nth: int, act: Callable[[], None]) -> None:
    """Do ``act`` just before the ``nth`` grab, whichever thread grabs in this mode."""
    if stage.mode is Mode.PAUSED:
        at_call(game.grabber, "grab", nth, act)
        return
    really_open = game.another_grabber

    def open_grabber() -> Grabber:
        grabber = really_open()
        at_call(grabber, "grab", nth, act)
        return grabber

    game.another_grabber = open_grabber  # type: ignore[method-assign]


def read_trace(session: Session) -> list[dict[str, Any]]:
    """All lines of a complete trace."""
    assert not session.trace_path.with_name("trace.jsonl.gz.part").exists()
    return list(lines_of(session.trace_path))


def chunks_of(session: Session) -> list[dict[str, Any]]:
    """The chunks of a complete trace."""
    return [line for line in read_trace(session) if line["type"] == "chunk"]


def events_of(session: Session) -> list[str]:
    """What happened between them."""
    return [line["what"] for line in read_trace(session) if line["type"] == "event"]


def reasons_of(session: Session, word: str) -> list[str]:
    """Why it waited, as far as ``word`` is in it; a first picture may always be black."""
    events = [line for line in read_trace(session) if line["type"] == "event"]
    return [event["reason"] for event in events if word in event.get("reason", "")]


class Gate(Engine):
    """A real engine whose chunks can be held back."""

    def __init__(self, engine: Engine) -> None:
        self.spec, self.info, self.engine = engine.spec, engine.info, engine
        self.dropped: list[int] = []
        self.thinking = threading.Event()
        self._passes = threading.Semaphore(0)
        self._shut = False

    def shut(self) -> None:
        """Hold back every chunk from the next one on, and wait until one is held."""
        self.thinking.clear()
        self._shut = True
        assert self.thinking.wait(PATIENCE_S)

    def let_one_through(self) -> None:
        """Finish the chunk that is held and wait for the next to be held."""
        self.thinking.clear()
        self._passes.release()
        assert self.thinking.wait(PATIENCE_S)

    def open(self) -> None:
        """Hold back nothing any more."""
        self._shut = False
        self._passes.release()

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As the real engine, once it is let through."""
        self.dropped.extend(request.dropped for request in requests)
        if self._shut:
            self.thinking.set()
            assert self._passes.acquire(timeout=PATIENCE_S)
        return self.engine.infer_batch(requests)

    def close(self) -> None:
        """As the real engine."""
        self.engine.close()


class Stage:
    """Makes sessions and ends them after the test.

    Args:
        policy: What they play with.
        folder: Where they write.
        mode: How they play unless they are told otherwise.
    """

    def __init__(
        self, policy: Policy, folder: Path, stack: ExitStack, mode: Mode = Mode.PAUSED
    ) -> None:
        self.policy = policy
        self.folder = folder
        self.mode = mode
        self._stack = stack
        self._count = itertools.count()

    def session(
        self,
        target: Target | Callable[[Path], Game],
        *,
        prepare: Callable[[Game], object] = lambda game: None,
        engine: Engine | Callable[[], Engine] | None = None,
        settings: PlaySettings | None = None,
        **plan: Any,
    ) -> Session:
        """A session that was not started; ``prepare`` gets the game before the session does."""

        def open_it(log: Path, cancelled: Cancellation) -> Game:
            if isinstance(target, Target):
                game = open_game(target, log=log, cancelled=cancelled)
            else:
                game = target(log)
            prepare(game)
            return game

        def load() -> Engine:
            if engine is None:
                return TorchEngine(self.policy)
            return engine if isinstance(engine, Engine) else engine()

        session = Session(
            SessionPlan(
                open_game=open_it,
                open_engine=load,
                folder=self.folder / f"session-{next(self._count)}",
                settings=settings or PlaySettings(seed=1, action_hz=120.0, mode=self.mode),
                **plan,
            )
        )
        self._stack.callback(self._end, session)
        return session

    def playing(self, target: Target | Callable[[Path], Game], **options: Any) -> Session:
        """A session that has played a chunk."""
        session = self.session(target, **options)
        session.start()
        until(lambda: session.stats.sent > 16 or session.state.ended, "the session plays")
        assert not session.state.ended, session.end
        return session

    def engine(self) -> TorchEngine:
        """A real engine."""
        return TorchEngine(self.policy)

    def _end(self, session: Session) -> None:
        session.stop("the test is over")
        if not session.wait(PATIENCE_S):
            raise AssertionError(f"session {session.id} does not end:\n{stacks()}")


def page_of(session: Session) -> Path:
    """The page behind a session's pad."""
    assert session.game is not None
    assert session.game.page is not None
    return session.game.page.path


def attach(game: LaunchedGame) -> Target:
    """How to name a running game."""
    return Target(pid=game.process.pid, display=game.window.display)


def hand_pid(session: Session) -> int:
    """The hand of a session, running or not."""
    assert session.game is not None
    return session.game.controls.hand.pid


def own_threads() -> set[str]:
    """Threads of ours that are alive, and were begun in this test."""
    return {
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith("nitropilot-") and thread not in earlier_threads
    }


def all_threads_end() -> None:
    """Wait until no thread of ours is left; say what those do that are."""
    deadline = time.monotonic() + PATIENCE_S
    while own_threads():
        if time.monotonic() > deadline:
            raise AssertionError(f"threads are left: {own_threads()}\n{stacks()}")
        time.sleep(0.005)


def neutral(page: Path) -> bool:
    """Whether nothing is pressed, or what is pressed has expired."""
    (expires,) = struct.unpack_from("=Q", page.read_bytes(), 96)
    return pad_values(page) == NEUTRAL_PAGE or time.monotonic_ns() > expires
